/*
 * The on-disk form of what hosts gave in one collecting run: docs/formats/capture.md.
 *
 * A capture is a folder: capture.jsonl, whose first line tells the run and which gains one line per finished host, and
 * objects/ab/<sha256>, the bytes, each distinct content once.  A host's line is written when all its objects are on
 * disk, so a killed run leaves every finished host readable.  This module knows nothing of what the bytes mean.
 *
 * The structures below are one host's line in memory.  Strings are owned by the structure and may be NULL where nothing
 * is known; numbers that are not known are -1, times are seconds since 1970 or MOMENT_NONE.  The reader hands out
 * strings as the journal has them: valid UTF-8 without control characters, since the collector cleaned them (text.h);
 * everything in them still comes from a host and proves nothing.
 */
#ifndef TRUSTGAP_CAPTURE_H
#define TRUSTGAP_CAPTURE_H

#include <glib.h>
#include <stdint.h>

#define CAPTURE_FORMAT  "trustgap capture"
#define CAPTURE_VERSION 1

/* Limits. */
#define CAPTURE_LINE_BYTES    ((size_t)16 * 1024 * 1024) /* one host's line */
#define CAPTURE_JOURNAL_BYTES ((size_t)4 * 1024 * 1024 * 1024)
#define CAPTURE_JSON_DEPTH    16
#define CAPTURE_LINE_VALUES   1000000 /* JSON values of one line */
#define CAPTURE_HOSTS         1000000 /* hosts of one journal */
#define CAPTURE_WARNINGS      100
#define CAPTURE_SIZE_MAX      ((int64_t)1 << 53) /* sizes and offsets of files on a host: so sums do not overflow */

/* Of the file system of a capture this much is left free for others; of a small one a twentieth. */
#define CAPTURE_RESERVE_BYTES ((int64_t)256 * 1024 * 1024)
#define CAPTURE_RESERVE_PART  20

#define CAPTURE_DIGEST_CHARS 64 /* an object's name: SHA-256 in lower case hex */

struct capture_header {
    char *program;          /* "trustgap 0.1.0" */
    int64_t started;        /* clock of the collecting machine */
    char *inventory_sha256; /* of the inventory file */
    char *limit;            /* the run was limited to these hosts on purpose (--limit); NULL: to none */
    /* Of char *: names of the inventory's hosts that it left out; of no meaning without ${limit}.  NULL: they are not
     * known (there were too many for a line), and every host without a line may have been left out. */
    GPtrArray *left_out;
};

enum capture_status {
    CAPTURE_COLLECTED, /* the probe ran to its last record, found instances, and looked at all of them */
    CAPTURE_PARTIAL,   /* something came, then it ended: what is there counts, what is not there is unknown */
    CAPTURE_FAILED,    /* nothing came */
};

struct capture_instance {
    char *sid;  /* "PRD"; NULL where there is none (host agent, SAProuter) */
    char *name; /* "D00", "W20", "HDB00"; "hostctrl" for the host agent */
    char *path; /* "/usr/sap/PRD/D00" */
};

struct capture_trace {
    char *instance; /* path of its instance */
    char *path;     /* "/usr/sap/PRD/D00/work/dev_icm.old" */
    int64_t device, inode;
    int64_t size_bytes;   /* of the file on the host when reading began */
    int64_t modified;     /* by the host's clock */
    int64_t from_byte;    /* the object begins at this byte of the file: above 0 where only the end was asked for */
    int64_t length_bytes; /* of the object */
    gboolean moved; /* the file was rotated or shortened while it was read: the object's end may be padding (NULs) */
    char *object;   /* digest; NULL if it could not be read */
    char *reason;   /* why not */
};

struct capture_store { /* one PSE file */
    char *instance;    /* path of its instance */
    char *path;        /* "/usr/sap/PRD/D00/sec/SAPSSLC.pse" */
    int64_t device, inode, size_bytes, modified;
    char *owner;   /* of the file: user name or number */
    char *mode;    /* "600" */
    char *method;  /* "native", "sapgenpse", "none" */
    char *reason;  /* method "none": one word (see docs/formats/probe.md), perhaps a blank and a detail behind */
    char *trusted; /* digest of the trust list: DER certificates, one behind the other (method native) */
    int64_t trusted_count;
    char *own; /* digest of the own certificate (DER); NULL: there is none or it is not known */
    char
        *listing; /* digest of the text that sapgenpse printed, both streams (method sapgenpse, or none after trying) */
    int64_t listing_status; /* exit status of sapgenpse, -1 if it did not run */
};

struct capture_chain { /* the certificates of a peer, asked for through the host (docs/formats/capture.md) */
    char *target;      /* the name that it was looked up and asked by; NULL: by its address */
    char *address;     /* its address where there was no name */
    int64_t port;
    int64_t asked;          /* clock of the collecting machine */
    char *object;           /* digest: DER certificates as they were sent, one behind the other; NULL: there are none */
    int64_t count;          /* of them */
    char *reason, *message; /* why there are none: a word, a sentence */
};

struct capture_host {
    char *name; /* the inventory's name */
    enum capture_status status;
    char *reason;  /* status not collected: a word of collector.h's table, such as "time-out" */
    char *message; /* the same for a person */
    char *tier, *owner;
    GPtrArray *groups;         /* of char *, sorted */
    int64_t started, finished; /* clock of the collecting machine */
    int64_t clock;             /* the host's clock when the probe began */
    int zone_offset_s;         /* the host's zone then, seconds east of UTC; G_MININT if not known */
    char *zone;                /* its name ("Europe/Berlin") where the host tells it */
    char *zone_rule;           /* its rule in POSIX form ("CET-1CEST,M3.5.0,M10.5.0/3") likewise; not checked */
    char *system;              /* uname: "Linux 6.1.0 x86_64" */
    char *login;               /* user that the probe ran as */
    gboolean tools_trusted;    /* the inventory says that all users of this host are trusted (sap_trust_local_users) */
    GPtrArray *instances;      /* of struct capture_instance * */
    GPtrArray *traces;         /* of struct capture_trace * */
    GPtrArray *stores;         /* of struct capture_store * */
    GPtrArray *chains;         /* of struct capture_chain * */
    GPtrArray *notes;          /* of char *: what the probe or the collector had to say (limits reached, ...) */
};

/**
 * capture_host_new():
 * An empty host: no strings, empty arrays, every number not known.  capture_*_new() likewise; they are owned by the
 * array that they are added to.
 */
struct capture_host *capture_host_new(void);
struct capture_instance *capture_instance_new(void);
struct capture_trace *capture_trace_new(void);
struct capture_store *capture_store_new(void);
struct capture_chain *capture_chain_new(void);
void capture_host_free(struct capture_host *host);

/* Reasons of a host that is "partial" although its probe ran to the last record. */
#define CAPTURE_UNREAD      "unread"      /* all was found, but the login could not read some of it */
#define CAPTURE_NO_INSTANCE "no-instance" /* below sap_root, or one of several, there is nothing to read */

/* Reason of a trace or a store: what came contains a private key, or what looks like one, and was thrown away. */
#define CAPTURE_PRIVATE_KEY "private-key"
#define CAPTURE_DISK_BUDGET "disk-budget" /* likewise: there was no room for it on the disk */

/**
 * capture_unread(host, of_files):
 * How many of the trust lists and traces of ${host} were read, and why the others were not, for a person; the caller
 * frees it with g_free().  NULL if all of them were.  ${*of_files} becomes FALSE if something else than the files
 * themselves (damaged, protected by a PIN that nobody could give, a FIFO, ...) kept any of them from being read.
 */
char *capture_unread(const struct capture_host *host, gboolean *of_files);

/**
 * capture_host_empty(host):
 * Free the instances, traces and stores of ${host}: a capture has many, and who is done with one needs them no more.
 */
void capture_host_empty(struct capture_host *host);

typedef struct capture_host capture_host_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(capture_host_auto, capture_host_free)

/* Writing. */

struct capture_writer;
struct capture_object;

/**
 * capture_create(path, header, error):
 * Make the capture folder ${path} (0700; it must not exist, or be empty, and root takes none that others may write to,
 * else TRUSTGAP_ERROR_USAGE) and write the first line.
 */
struct capture_writer *capture_create(const char *path, const struct capture_header *header, GError **error);

/**
 * capture_append(path, header, error):
 * Open the existing capture ${path} to add hosts.  A torn last line is cut off first, and objects that were not
 * finished are removed.  A capture that another process is writing is refused.  A ${header} other than NULL is written
 * behind what is there: the run that goes on has another limit, and this one counts from then on.
 */
struct capture_writer *capture_append(const char *path, const struct capture_header *header, GError **error);

/**
 * capture_limit_disk(writer, budget_bytes, error):
 * From now on objects may take up at most ${budget_bytes} (0: any number) of the disk together with the journal's new
 * lines, and never so much that less than the reserve above is left.  What would exceed that is refused with
 * TRUSTGAP_ERROR_LIMIT; lines of hosts are always written.  FALSE with ${error} set (_IO) if less is free already.
 */
gboolean capture_limit_disk(struct capture_writer *writer, int64_t budget_bytes, GError **error);

/**
 * capture_object_new(writer, error):
 * Begin a new object.  Give the result to exactly one of capture_object_finish() and capture_object_abort().  Any
 * number of objects may be open at once.
 */
struct capture_object *capture_object_new(struct capture_writer *writer, GError **error);

/**
 * capture_object_add(object, bytes, size, error):
 * Append bytes.  After a failure the object cannot be finished any more, but for TRUSTGAP_ERROR_LIMIT: then none of
 * these bytes is in it, and it is whole without them.
 */
gboolean capture_object_add(struct capture_object *object, const void *bytes, size_t size, GError **error);

/**
 * capture_object_finish(object, error):
 * Put the object into its place (0600; nothing is written if the same content is there already) and return its digest,
 * which the caller frees with g_free(); NULL with ${error} set if that fails.  Frees ${object} in both cases.
 */
char *capture_object_finish(struct capture_object *object, GError **error);

/**
 * capture_object_abort(object):
 * Throw away what was added and free ${object}.  NULL is fine.
 */
void capture_object_abort(struct capture_object *object);

/**
 * capture_add_host(writer, host, error), capture_commit(writer, error):
 * Keep the line of one host in memory; then bring all objects that were finished to the disk at once, append all lines
 * that were kept with a single write, and bring those to the disk (fsync).  If a line is beyond a limit it is not kept
 * (TRUSTGAP_ERROR_LIMIT).  If the commit fails none of its lines is in the journal, which is as it was.
 * Strings are cleaned and numbers outside of their range are left out on the way, so every line that is written can be
 * read.
 */
gboolean capture_add_host(struct capture_writer *writer, const struct capture_host *host, GError **error);
gboolean capture_commit(struct capture_writer *writer, GError **error);

/**
 * capture_write_host(writer, host, error):
 * Both, for one host.
 */
gboolean capture_write_host(struct capture_writer *writer, const struct capture_host *host, GError **error);

/**
 * capture_close(writer):
 * Free ${writer}.  Objects that are still open must have been finished or aborted.  NULL is fine.
 */
void capture_close(struct capture_writer *writer);

/* Reading. */

struct capture {
    char *path;
    struct capture_header header; /* of the first run, with the limit of the last */
    GPtrArray *hosts;    /* of struct capture_host *, in the order of the journal; the last line of a name counts */
    gboolean torn;       /* the last line was torn and is left out */
    GPtrArray *warnings; /* of char *: lines in the middle that were no host line, "path:line: why" */
};

/**
 * capture_open(path, error):
 * Read the journal of the capture folder ${path}.  A torn last line is left out, any other bad line becomes a warning;
 * a first line that is no header of a version that we know is an error.
 */
struct capture *capture_open(const char *path, GError **error);

/**
 * capture_load(capture, digest, limit_bytes, error):
 * The bytes of an object, mapped; the caller frees them with g_bytes_unref().  NULL with ${error} set if there is no
 * such object, if ${digest} is not of the form of one, or if it is larger than ${limit_bytes}.
 */
GBytes *capture_load(const struct capture *capture, const char *digest, size_t limit_bytes, GError **error);

/**
 * capture_open_object(capture, digest, limit_bytes, error):
 * The same as a descriptor, which the caller closes; -1 with ${error} set.
 */
int capture_open_object(const struct capture *capture, const char *digest, size_t limit_bytes, GError **error);

void capture_free(struct capture *capture);

typedef struct capture capture_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(capture_auto, capture_free)

#endif
