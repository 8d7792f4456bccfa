/*
 * A worker of the collector: the hosts that the parent gives it, on one event loop.
 *
 * It talks to hosts, and so to what may be hostile.  It has one socket, to the parent, no key, and opens no file:
 * names, host keys, signatures and shells of this machine come from the parent (service.h), objects and lines go there.
 * What a library opens by itself it opens before the first host.
 */
#ifndef TRUSTGAP_SHARD_H
#define TRUSTGAP_SHARD_H

/**
 * shard_serve():
 * What a process does that was started as COLLECTOR_WORKER: all that the parent says, until it has gone.  Return an
 * exit status.
 */
int shard_serve(void);

#endif
