#include "mapping.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static _Thread_local struct mapping *used; /* by this thread, which is the one that gets the signal */
static struct sigaction before;
static size_t page_bytes;

/*
 * The rest of the mapping becomes empty pages, and the instruction is tried again.  mmap() is a call of the system and
 * no more, though POSIX does not list it among those that a handler may use.
 */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    const char *at = info->si_addr;
    struct mapping *mapping = used;
    int old_errno = errno;

    (void)number;
    (void)context;
    if (!mapping || at < mapping->bytes || at >= mapping->bytes + mapping->size) {
        sigaction(SIGBUS, &before, NULL); /* not ours: it ends as it would have */
        raise(number);
        return;
    }
    size_t offset = (size_t)(at - mapping->bytes) / page_bytes * page_bytes;
    size_t lost = __atomic_load_n(&mapping->lost, __ATOMIC_ACQUIRE);
    while (offset < lost &&
           !__atomic_compare_exchange_n(&mapping->lost, &lost, offset, FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    }
    if (mmap((void *)(mapping->bytes + offset), mapping->size - offset, PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        sigaction(SIGBUS, &before, NULL);
    errno = old_errno;
}

static void catch_bus_errors(void)
{
    static gsize done;
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    if (!g_once_init_enter(&done))
        return;
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
    g_once_init_leave(&done, 1);
}

gboolean mapping_make(struct mapping *mapping, int fd, size_t size)
{
    void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

    if (bytes == MAP_FAILED)
        return FALSE;
    catch_bus_errors();
    *mapping = (struct mapping){.fd = fd, .bytes = bytes, .size = size, .lost = size};
    return TRUE;
}

void mapping_clear(struct mapping *mapping)
{
    munmap((void *)mapping->bytes, mapping->size);
}

void mapping_use(struct mapping *mapping)
{
    used = mapping;
}

size_t mapping_end(struct mapping *mapping)
{
    struct stat status;
    size_t end = MIN(__atomic_load_n(&mapping->lost, __ATOMIC_ACQUIRE), mapping->size);

    return fstat(mapping->fd, &status) == 0 ? MIN(end, (size_t)status.st_size) : end;
}

int mapping_failure(const struct mapping *mapping)
{
    struct stat status;

    if (mapping->lost == mapping->size)
        return 0;
    if (fstat(mapping->fd, &status) < 0)
        return errno;
    /* It may only have been shortened and have grown again since. */
    char byte;
    return (size_t)status.st_size > mapping->lost && pread(mapping->fd, &byte, 1, (off_t)mapping->lost) < 0 ? errno : 0;
}

void mapping_drop(const struct mapping *mapping, size_t from, size_t to)
{
    to = MIN(to, mapping->size); /* behind it may be somebody else's memory, which would be emptied */
    if (from < to)
        madvise((void *)(mapping->bytes + from), to - from, MADV_DONTNEED);
}
