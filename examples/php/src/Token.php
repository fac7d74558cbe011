<?php

declare(strict_types=1);

namespace Citasync;

/**
 * What lets a company in: the link to its panel, and the bearer token of the API. Both are a JWT, signed with HS256.
 */
final class Token
{
    public function __construct(#[\SensitiveParameter] private readonly string $secret)
    {
        if (strlen($secret) < 32) {
            throw new \InvalidArgumentException('The session secret must have at least 32 bytes');
        }
    }

    /**
     * A fresh token: make one for each link and don't keep it. As a link it opens once.
     *
     * @param array<string, string> $claims any of name, email, phone, country, locale (es, en), time_zone, return_url, and
     *                                      of a link connect (google-calendar): it does nothing but connect
     */
    public function sign(string|int $companyId, array $claims = []): string
    {
        $now = time();
        $claims = $claims + [
            'iss' => 'your-platform',
            'aud' => 'citasync',
            'sub' => (string) $companyId,
            'iat' => $now,
            'exp' => $now + 600, // ten minutes at most
            'jti' => bin2hex(random_bytes(16)),
        ];
        $signed = self::encode('{"alg":"HS256","typ":"JWT"}') . '.' . self::encode(json_encode($claims, JSON_THROW_ON_ERROR));
        return $signed . '.' . self::encode(hash_hmac('sha256', $signed, $this->secret, true));
    }

    /**
     * The address to send the company's browser to: Location: …
     *
     * @param array<string, string> $claims as for sign
     */
    public function link(string $publicUrl, string|int $companyId, array $claims = []): string
    {
        return rtrim($publicUrl, '/') . '/settings?session=' . $this->sign($companyId, $claims);
    }

    private static function encode(string $bytes): string
    {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }
}
