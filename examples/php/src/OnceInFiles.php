<?php

declare(strict_types=1);

namespace Citasync;

/**
 * Keeps what was done as files of a directory: for trying things out on one machine, without a database.
 */
final class OnceInFiles implements Once
{
    public function __construct(private readonly string $dir)
    {
        if (!is_dir($dir) && !mkdir($dir, 0700, true) && !is_dir($dir)) {
            throw new \RuntimeException('The directory for what was done can\'t be made');
        }
    }

    public function once(string $id, callable $do): void
    {
        $file = fopen($this->dir . '/' . hash('sha256', $id), 'c+');
        if ($file === false || !flock($file, LOCK_EX)) {
            throw new \RuntimeException('What was done can\'t be kept');
        }
        try {
            if (fread($file, 1) === '') { // a new one, or one that failed
                $do();
                fwrite($file, '1');
            }
        } finally {
            fclose($file); // gives the lock back
        }
    }
}
