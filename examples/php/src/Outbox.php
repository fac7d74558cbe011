<?php

declare(strict_types=1);

namespace Citasync;

/**
 * Events that are still to be sent. An event is put in by the transaction that saves its booking, so that there is never
 * one without the other, and a worker sends what is there:
 *
 *     $pdo->beginTransaction();
 *     // INSERT or UPDATE the booking …
 *     $outbox->put(Webhook::event('booking.confirmed', 2, $booking));
 *     $pdo->commit();
 *
 * The table, for MySQL (SQLite takes it too):
 *
 *     CREATE TABLE citasync_outbox (
 *         id         VARCHAR(64) PRIMARY KEY, -- webhook-id: the same at every attempt
 *         body       TEXT        NOT NULL,    -- signed as it stands: don't encode it anew
 *         attempts   INTEGER     NOT NULL,
 *         due_at     INTEGER     NOT NULL,    -- seconds since 1970
 *         refused    TEXT                     -- why it can't succeed: for somebody to look at
 *     );
 */
final class Outbox
{
    public function __construct(private readonly \PDO $pdo)
    {
        $pdo->setAttribute(\PDO::ATTR_ERRMODE, \PDO::ERRMODE_EXCEPTION);
    }

    /** Puts an event in, as part of the transaction under way. Returns its webhook-id. */
    public function put(string $body): string
    {
        $id = Webhook::newId();
        $this->pdo->prepare('INSERT INTO citasync_outbox (id, body, attempts, due_at) VALUES (?, ?, 0, ?)')
            ->execute([$id, $body, time()]);
        return $id;
    }

    /**
     * Sends what is due; run it every few seconds. Two workers at once do no harm: an event that arrives twice is one
     * event. Nor does the order: Citasync goes by the events' timestamps.
     *
     * @return int how many were sent
     */
    public function work(Webhook $webhook, int $limit = 100): int
    {
        $due = $this->pdo->prepare("SELECT id, body, attempts FROM citasync_outbox WHERE refused IS NULL AND due_at <= ? ORDER BY due_at LIMIT $limit");
        $due->execute([time()]);
        $sent = 0;
        foreach ($due->fetchAll(\PDO::FETCH_ASSOC) as $event) {
            $result = $webhook->send((string) $event['id'], (string) $event['body']);
            if ($result->ok()) {
                $this->pdo->prepare('DELETE FROM citasync_outbox WHERE id = ?')->execute([$event['id']]);
                $sent++;
            } elseif ($result->again) {
                $attempts = (int) $event['attempts'] + 1;
                $pause = min(3600, 2 ** min($attempts, 12)) + random_int(0, 5);
                $this->pdo->prepare('UPDATE citasync_outbox SET attempts = ?, due_at = ? WHERE id = ?')
                    ->execute([$attempts, time() + $pause, $event['id']]);
            } else { // 4xx: the same again would be refused again
                $this->pdo->prepare('UPDATE citasync_outbox SET refused = ? WHERE id = ?')
                    ->execute(["$result->status: $result->words", $event['id']]);
            }
        }
        return $sent;
    }
}
