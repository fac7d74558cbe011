<?php

declare(strict_types=1);

namespace Citasync;

/**
 * Does what is named by an id once, however often it is asked to.
 */
interface Once
{
    /** Calls $do unless it was called for the id before. If $do throws, it counts as not called. */
    public function once(string $id, callable $do): void;
}
