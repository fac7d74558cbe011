<?php

declare(strict_types=1);

namespace Citasync;

/**
 * Takes what Citasync tells the platform: pushes of the topic integration-events.
 */
final class Notices
{
    public function __construct(private readonly Once $seen, private readonly PushToken $token)
    {
    }

    /**
     * Returns the HTTP status to answer with: 204 acknowledges, anything else has the notice sent again.
     *
     * @param callable(string $type, array<string, mixed> $data): void $tell what you do with a notice; a type that you
     *                                                                       don't know is to be let pass. If it throws,
     *                                                                       answer 500: the notice comes again
     */
    public function receive(string $authorization, string $body, callable $tell): int
    {
        if (!$this->token->accepts($authorization)) {
            return 401;
        }
        $envelope = json_decode($body, true);
        $data = is_array($envelope) ? ($envelope['message']['data'] ?? null) : null;
        $notice = is_string($data) ? json_decode((string) base64_decode($data, true), true) : null;
        if (!is_array($notice) || !is_string($notice['data']['id'] ?? null) || !is_string($notice['type'] ?? null)) {
            return 400; // not from Citasync: the subscription points to the wrong place
        }
        $this->seen->once($notice['data']['id'], static fn () => $tell($notice['type'], $notice['data']));
        return 204;
    }
}
