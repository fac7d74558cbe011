<?php

declare(strict_types=1);

// What the programs of the command line have in common. A page of yours needs none of it.

require_once __DIR__ . '/autoload.php';

// What is missing or can't be read is said in one line, without the stack that a mistake in the program is told with.
set_exception_handler(static function (Throwable $e): void {
    if (!$e instanceof RuntimeException && !$e instanceof InvalidArgumentException && !$e instanceof JsonException) {
        throw $e;
    }
    fail(2, $e->getMessage());
});

/** Ends the program with one line on standard error. */
function fail(int $status, string $words): never
{
    fwrite(STDERR, "$words\n");
    exit($status);
}

/**
 * Reads CLAIM=VALUE …
 *
 * @param list<string> $args
 * @return array<string, string>
 */
function claims(array $args): array
{
    $claims = [];
    foreach ($args as $arg) {
        [$name, $value] = explode('=', $arg, 2) + ['', null];
        if ($name === '' || $value === null) {
            fail(2, 'a claim is CLAIM=VALUE, in quotes if it has spaces: "name=Salón Luz"');
        }
        $claims[$name] = $value;
    }
    return $claims;
}
