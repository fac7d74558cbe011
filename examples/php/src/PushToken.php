<?php

declare(strict_types=1);

namespace Citasync;

/**
 * Checks who sent a push of Pub/Sub's: the JWT (OIDC, RS256) with which the subscription signs each request.
 */
final class PushToken
{
    private const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
    private const LEEWAY = 60; // seconds between the two clocks

    /**
     * @param string $audience the subscription's; by default the address that it posts to
     * @param string $email    the subscription's service account
     * @param string $certsUrl Google's certificates by key id, in PEM
     * @param string $cache    a file that only your program can write
     */
    public function __construct(
        private readonly string $audience,
        private readonly string $email,
        private readonly string $certsUrl = 'https://www.googleapis.com/oauth2/v1/certs',
        private readonly string $cache = '',
    ) {
    }

    /** Whether the Authorization header is the subscription's. */
    public function accepts(string $authorization): bool
    {
        if (!preg_match('~^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$~iD', $authorization, $part)) {
            return false;
        }
        $header = json_decode(self::decode($part[1]), true);
        $claims = json_decode(self::decode($part[2]), true);
        if (!is_array($header) || !is_array($claims) || ($header['alg'] ?? '') !== 'RS256' || !is_string($header['kid'] ?? null)) {
            return false; // never let the token choose another algorithm
        }
        $cert = $this->cert($header['kid']);
        $signed = $cert !== null && openssl_verify("$part[1].$part[2]", self::decode($part[3]), $cert, OPENSSL_ALGO_SHA256) === 1;
        return $signed && $this->fits($claims);
    }

    /** @param array<string, mixed> $claims */
    private function fits(array $claims): bool
    {
        return in_array($claims['iss'] ?? null, self::ISSUERS, true)
            && ($claims['aud'] ?? null) === $this->audience
            && ($claims['email'] ?? null) === $this->email
            && ($claims['email_verified'] ?? null) === true
            && is_int($claims['exp'] ?? null) && $claims['exp'] + self::LEEWAY > time()
            && is_int($claims['iat'] ?? null) && $claims['iat'] - self::LEEWAY <= time();
    }

    /** The certificate of a key. Google changes its keys every few days: an unknown one is asked for, once a minute at most. */
    private function cert(string $kid): ?string
    {
        $age = $this->cache !== '' && is_file($this->cache) ? time() - (int) filemtime($this->cache) : PHP_INT_MAX;
        $certs = $age < 3600 ? $this->parse((string) file_get_contents($this->cache)) : [];
        if (!isset($certs[$kid]) && $age >= 60) {
            $context = stream_context_create(['http' => ['timeout' => 5]]);
            $text = (string) @file_get_contents($this->certsUrl, false, $context);
            $certs = $this->parse($text);
            if ($certs !== [] && $this->cache !== '') {
                file_put_contents($this->cache, $text, LOCK_EX);
            }
        }
        return $certs[$kid] ?? null;
    }

    /** @return array<string, string> */
    private function parse(string $json): array
    {
        $certs = json_decode($json, true);
        return is_array($certs) ? array_filter($certs, is_string(...)) : [];
    }

    private static function decode(string $text): string
    {
        return (string) base64_decode(strtr($text, '-_', '+/'), true);
    }
}
