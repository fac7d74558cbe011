<?php

declare(strict_types=1);

// With Composer: "autoload": {"psr-4": {"Citasync\\": "src/"}}
spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'Citasync\\')) {
        require __DIR__ . '/src/' . substr($class, strlen('Citasync\\')) . '.php';
    }
});

/** A setting from the environment. Secrets belong there, or into your secret store; never into the code. */
function setting(string $name): string
{
    $value = getenv($name);
    if ($value === false || $value === '') {
        throw new RuntimeException("The environment lacks $name");
    }
    return $value;
}
