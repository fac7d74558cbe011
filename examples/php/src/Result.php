<?php

declare(strict_types=1);

namespace Citasync;

/**
 * What became of a webhook.
 */
final class Result
{
    /**
     * @param int                   $status HTTP status; 0: there was no answer
     * @param string                $words  what to write into your log
     * @param bool                  $again  the same event may succeed later
     * @param array<string, string> $fields of a 422: what is wrong with each field
     */
    public function __construct(
        public readonly int $status,
        public readonly string $words,
        public readonly bool $again,
        public readonly array $fields = [],
    ) {
    }

    public static function of(int $status, string $body): self
    {
        $problem = json_decode($body, true);
        $problem = is_array($problem) ? $problem : [];
        if ($status >= 200 && $status < 300) {
            return new self($status, 'stored as message ' . (string) ($problem['message_id'] ?? '?'), false);
        }
        $fields = [];
        foreach ($problem['errors'] ?? [] as $error) {
            $fields[(string) $error['field']] = (string) $error['message'];
        }
        $words = (string) ($problem['detail'] ?? $problem['title'] ?? 'an answer that is not Citasync\'s');
        return new self($status, $words, $status >= 500 || $status === 429 || $status === 408, $fields);
    }

    public function ok(): bool
    {
        return $this->status >= 200 && $this->status < 300;
    }
}
