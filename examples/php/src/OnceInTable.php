<?php

declare(strict_types=1);

namespace Citasync;

/**
 * Keeps what was done in the database, in one transaction with whatever is done there. The table, for MySQL (SQLite
 * takes it too); delete what is older than a month:
 *
 *     CREATE TABLE citasync_notices (
 *         id      VARCHAR(64) PRIMARY KEY, -- data.id
 *         seen_at INTEGER     NOT NULL     -- seconds since 1970
 *     );
 */
final class OnceInTable implements Once
{
    public function __construct(private readonly \PDO $pdo)
    {
        $pdo->setAttribute(\PDO::ATTR_ERRMODE, \PDO::ERRMODE_EXCEPTION);
    }

    public function once(string $id, callable $do): void
    {
        $this->pdo->beginTransaction();
        try {
            $known = $this->pdo->prepare('SELECT 1 FROM citasync_notices WHERE id = ?');
            $known->execute([$id]);
            if ($known->fetchColumn() === false) {
                // Of two at once the second fails here, is sent again, and finds it done.
                $this->pdo->prepare('INSERT INTO citasync_notices (id, seen_at) VALUES (?, ?)')->execute([$id, time()]);
                $do();
            }
            $this->pdo->commit();
        } catch (\Throwable $e) {
            $this->pdo->rollBack();
            throw $e;
        }
    }
}
