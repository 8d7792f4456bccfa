/*
 * A thread that writes the capture, so that nobody else waits for the disk.
 *
 * Objects and lines are queued, in order, and written behind the caller's back.  Lines that are ready while the thread
 * is busy are written together: one syncfs() for the objects of all of them, then their lines.  What the disk does not
 * take in time stays in memory, up to a limit: disk_is_full() says when to stop, an event when to go on.
 *
 * All functions are for the loop's thread; the events come from the loop.  The capture's writer belongs to the thread
 * until disk_free().
 */
#ifndef TRUSTGAP_DISK_H
#define TRUSTGAP_DISK_H

#include "capture.h"

#include <glib.h>
#include <stdint.h>
#include <uv.h>

/* Limits. */
#define DISK_QUEUE_BYTES ((size_t)32 * 1024 * 1024) /* full; go on at half of it */
#define DISK_BATCH_HOSTS 64                         /* lines that are written together */
#define DISK_BATCH_MS    1000                       /* the first of them does not wait longer for others */

struct disk_events {
    /* This line is on the disk; it is gone after the call. */
    void (*written)(void *context, const struct capture_host *line);
    /* There is room again after disk_is_full() said TRUE. */
    void (*room)(void *context);
    /* The capture can't be written: nothing that is queued, or will be, is written any more. */
    void (*failed)(void *context, const GError *error);
};

struct disk;
struct disk_host; /* the objects of one host */

/**
 * disk_new(writer, loop, events, context):
 * Start the thread; ${writer} outlives it.
 */
struct disk *disk_new(struct capture_writer *writer, uv_loop_t *loop, const struct disk_events *events, void *context);

/**
 * disk_free(disk):
 * Wait until all that was queued is written, and end the thread.  No event comes any more; the loop has to run once
 * more to give its handle back.
 */
void disk_free(struct disk *disk);

/**
 * disk_begin(disk):
 * A host begins.  Give the result to exactly one of disk_line() and disk_forget().
 */
struct disk_host *disk_begin(struct disk *disk);

/**
 * disk_object(disk, host, number), disk_bytes(disk, host, number, bytes, size), disk_finish(disk, host, number),
 * disk_drop(disk, host, number):
 * An object begins; has more bytes; is whole; does not count.  Numbers are from 1 and count up without a gap.
 */
void disk_object(struct disk *disk, struct disk_host *host, uint32_t number);
void disk_bytes(struct disk *disk, struct disk_host *host, uint32_t number, const void *bytes, size_t size);
void disk_finish(struct disk *disk, struct disk_host *host, uint32_t number);
void disk_drop(struct disk *disk, struct disk_host *host, uint32_t number);

/**
 * disk_line(disk, host, line), disk_forget(disk, host):
 * The host's line, whose digests are numbers of finished objects (guard.h); it becomes the disk's.  Where an object
 * found no room (capture_limit_disk()) the line says that its file was not read (CAPTURE_DISK_BUDGET) and why.  A line
 * that is too long for the journal becomes one that says so.  Or the host does not count: what is not whole of it is
 * thrown away.
 */
void disk_line(struct disk *disk, struct disk_host *host, struct capture_host *line);
void disk_forget(struct disk *disk, struct disk_host *host);

/**
 * disk_is_full(disk), disk_lines(disk):
 * TRUE: stop until room() is called.  And how many lines were given to disk_line() and not told yet, by either event.
 */
gboolean disk_is_full(struct disk *disk);
unsigned disk_lines(const struct disk *disk);

#endif
