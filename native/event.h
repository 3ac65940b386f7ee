/* SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0
 *
 * The records: what a source writes and everything else reads. One definition for BPF C, native C and
 * Python (cffi reads this text). Fixed width, explicit padding, little endian.
 *
 *   +-----------------+------------------------------+--------------------------------+
 *   | struct sn_header| body, fixed for the type     | bytes that the spans point at   |
 *   +-----------------+------------------------------+--------------------------------+
 *   0                 40                             sizeof(struct)                   size (multiple of 8)
 *
 * Schema law: members are only appended; anything else is a new type. SN_SCHEMA goes up with either.
 * A reader must accept a body longer than it knows and must check every span against `size`.
 */
#ifndef SN_EVENT_H
#define SN_EVENT_H
#ifndef SN_BPF
#include <stdint.h>
#endif

enum sn_limits {
	SN_SCHEMA = 3,
	SN_RECORD_MAX = 65528, /* whole record, header included; multiple of 8 */
	SN_PATH_MAX = 4096,    /* bytes kept of image, script and cwd */
	SN_ARGV_MAX = 32768,   /* argv up to here is whole */
	SN_ARGV_HEAD = 24576,  /* above it: so many bytes from the front */
	SN_ARGV_TAIL = 8192,   /* and so many from the end */
	SN_CPU_NONE = 0xffff,  /* sn_header.cpu of a record that no probe wrote: it has no sequence number */
};

enum sn_type {
	SN_EXEC = 1,
	SN_FORK = 2,
	SN_EXIT = 3,
	SN_CONNECT = 4,	       /* an attempt, before its outcome */
	SN_CONNECT_RESULT = 5, /* TCP only: the outcome of an earlier SN_CONNECT, joined by `cookie` */
	SN_PROCESS = 6,	       /* struct sn_exec: a process found alive at the start, or an exported table entry */
	SN_SOCKET = 7,	       /* struct sn_connect: a connection found open at the start */
	SN_LOSS = 8,	       /* struct sn_loss: the capture thread saw the kernel lose events here */
	SN_FILE = 9, /* struct sn_file: somebody wrote, made, moved or changed a file; without path: some are lost */
	SN_LOAD =
		10,  /* struct sn_load: a process mapped a file executable, as a library; without path: some are lost */
	SN_ETW = 11, /* struct sn_etw: an event of Windows as it was written */
	SN_LINE = 12,  /* struct sn_line: an event of another maker */
	SN_TYPES = 13, /* one above the last */
};

/* sn_header.flags */
enum sn_flag {
	SN_F_ARGV_TRUNCATED = 1 << 0,  /* argv is head + tail; argv_bytes is the true length */
	SN_F_ARGV_UNREADABLE = 1 << 1, /* some argv page could not be read; what is there is right, the rest missing */
	SN_F_IMAGE_TRUNCATED = 1 << 2,
	SN_F_CWD_TRUNCATED = 1 << 3,
	SN_F_SCRIPT_TRUNCATED = 1 << 4,
	SN_F_DELETED = 1 << 5, /* the image has no name in its folder any more */
	SN_F_MEMFD = 1 << 6,   /* the image is a memfd */
	SN_F_SETUID = 1 << 7,  /* the image has S_ISUID */
	SN_F_SETGID = 1 << 8,
	SN_F_KERNEL_THREAD = 1 << 9,
	SN_F_REDUCED = 1 << 10,	       /* source of lower fidelity (process connector, /proc): members may be missing */
	SN_F_EXITED = 1 << 11,	       /* SN_PROCESS only: no longer alive */
	SN_F_PARENT_UNKNOWN = 1 << 12, /* SN_PROCESS only: the fork event was lost or the parent evicted */
	SN_F_CORE_DUMPED = 1 << 13,    /* SN_EXIT only */
	SN_F_WRITTEN = 1 << 14,	       /* SN_FILE only, as the next five: it had been open for writing and was closed */
	SN_F_CREATED = 1 << 15,	       /* it has a first name now */
	SN_F_LINKED = 1 << 16,	       /* it has a further name now */
	SN_F_MOVED = 1 << 17,	       /* it was renamed to this name */
	SN_F_CHANGED = 1 << 18,	       /* its mode, owner or other attributes changed */
	SN_F_UNSURE = 1 << 19,	       /* which program the process ran at that moment cannot be told */
	SN_F_WROTE_NOTHING = 1 << 20,  /* SN_EXEC, SN_EXIT: before this, the process had not written to anything */
};

/* A stretch of bytes inside the record, `off` from the record's first byte. len 0 = not there. */
struct sn_span {
	uint32_t off;
	uint32_t len;
};

struct sn_header {
	uint32_t size;
	uint16_t type;
	uint16_t cpu;
	uint64_t seq;	/* per CPU, from 0, without gaps: a gap is a lost event */
	uint64_t time;	/* CLOCK_BOOTTIME, ns */
	uint64_t start; /* start of the process (task_struct.start_boottime, ns): with pid its identity */
	uint32_t pid;	/* thread group id in the initial namespace */
	uint32_t flags;
};

/* SN_EXEC, SN_PROCESS. argv bytes are the kernel's block: each argument ends in NUL, empty ones are a lone NUL.
 * With SN_F_ARGV_TRUNCATED the span holds argv_head bytes from the front, then the bytes from the end. */
struct sn_exec {
	struct sn_header h;
	uint64_t parent_start;	/* start of ppid, 0 unknown */
	uint64_t creator_start; /* SN_PROCESS only: who forked it (differs from ppid after reparenting) */
	uint64_t cgroup_id;
	uint64_t inode;
	uint64_t argv_bytes;  /* true length of the argv block */
	uint64_t exit_time;   /* SN_PROCESS with SN_F_EXITED, else 0 */
	uint32_t ppid;	      /* real parent as the kernel names it now */
	uint32_t creator_pid; /* SN_PROCESS only */
	uint32_t tid;	      /* thread that called exec (its id before the exec) */
	uint32_t uid;
	uint32_t gid;
	uint32_t euid;
	uint32_t egid;
	uint32_t loginuid; /* 4294967295 = never set */
	uint32_t session;  /* session id (setsid), initial namespace */
	uint32_t mnt_ns;
	uint32_t dev;	       /* super_block.s_dev of the image: major << 20 | minor */
	uint32_t mode;	       /* i_mode of the image */
	uint32_t file_uid;     /* owner of the image */
	uint32_t argc;	       /* as the kernel counted */
	uint32_t argv_head;    /* see above; equals argv.len when whole */
	uint32_t nlink;	       /* hard links of the image */
	struct sn_span image;  /* absolute path, no NUL */
	struct sn_span script; /* path as given when #! was followed, else empty */
	struct sn_span cwd;
	struct sn_span argv;
	uint8_t tty[16]; /* name as in the kernel (pts/0 is "pts0"), NUL-padded; empty: none */
	/* schema 2 */
	uint64_t file_size;  /* of the image, when it was executed */
	uint64_t file_mtime; /* content and status last changed: ns since the epoch */
	uint64_t file_ctime;
	union {
		uint32_t exit_code; /* SN_PROCESS with an exit_time: as in struct sn_exit, else 0 */
		uint32_t in_pipe;   /* SN_EXEC: inode of the pipe that standard input is; 0: none, or not known */
	};
	union {
		uint32_t exit_signal;
		uint32_t out_pipe; /* SN_EXEC: likewise of standard output */
	};
};

struct sn_fork {
	struct sn_header h; /* identity of the child */
	uint64_t parent_start;
	uint64_t creator_start;
	uint32_t ppid;	      /* parent that the kernel gave it (CLONE_PARENT: the creator's parent) */
	uint32_t creator_pid; /* process that called fork */
	uint32_t uid;
	uint32_t pad;
};

struct sn_exit {
	struct sn_header h;
	uint32_t code;	 /* exit status 0..255 when signal is 0 */
	uint32_t signal; /* that ended it, else 0 */
};

struct sn_connect {
	struct sn_header h;
	uint64_t cookie;   /* of the socket: joins attempt and outcome */
	uint64_t latency;  /* SN_CONNECT_RESULT: ns since the SYN; else 0 */
	uint16_t family;   /* 2 IPv4, 10 IPv6; a v4-mapped address is IPv4 */
	uint16_t protocol; /* IPPROTO_* */
	uint16_t sport;	   /* host order, 0 not known */
	uint16_t dport;	   /* host order */
	int32_t error;	   /* SN_CONNECT_RESULT: 0 connected, else errno */
	uint32_t uid;
	uint8_t saddr[16]; /* network order; IPv4 in the first four; all zero: not known */
	uint8_t daddr[16];
};

/* `h` names the process that did it; start 0: only its pid is known. */
struct sn_file {
	struct sn_header h;
	uint64_t since; /* it happened after this and not after h.time */
	uint64_t inode;
	uint64_t bytes;	   /* its size then */
	uint64_t mtime;	   /* when its content last changed, ns since the epoch. Without path: the end of the loss, */
	uint64_t ctime;	   /* when its status last changed. Without path: the begin of the loss */
	uint32_t dev;	   /* as in sn_exec */
	uint32_t mode;	   /* i_mode */
	uint32_t file_uid; /* its owner */
	uint32_t nlink;
	uint32_t uid; /* real user id of the process; 4294967295 = not known */
	uint32_t pad;
	struct sn_span path; /* absolute, no NUL */
};

/* `h` names the process; start 0: only its pid is known. h.flags: SN_F_DELETED the file has no name any more,
 * SN_F_MEMFD, SN_F_UNSURE. */
struct sn_load {
	struct sn_header h;
	uint64_t inode;
	uint64_t execing;    /* when the process last began an exec, CLOCK_BOOTTIME, ns; 0: not known */
	uint32_t dev;	     /* as in sn_exec */
	uint32_t uid;	     /* real user id of the process; 4294967295 = not known */
	struct sn_span path; /* absolute, as the process sees it, no NUL */
};

/* Schema 3. No probe wrote it: `h` has no sequence number and no start, its time is ns since 1970, its pid the process
 * of the thread that wrote the event. What the data mean is in etw_layout.def. */
struct sn_etw {
	struct sn_header h;
	uint8_t provider[16]; /* GUID as Windows has it in memory */
	uint32_t tid;
	uint16_t id; /* of a classic event its opcode */
	uint16_t version;
	uint16_t classic; /* 1: from before manifests */
	uint16_t pointer; /* bytes of a pointer in the data: 8 or 4 */
	struct sn_span data;
	uint32_t pad;
};

/* Schema 3. No probe wrote it; its time is when it came, ns since 1970. */
struct sn_line {
	struct sn_header h;
	struct sn_span text; /* one object, of any of the shapes of ndjson.c */
};

struct sn_loss {
	struct sn_header h; /* cpu, and seq = first number missing */
	uint64_t count;	    /* events of this CPU that did not arrive */
};

/* One element per CPU of the probes' per-CPU array `counters`. seen = submitted + ring_full + oversized + busy. */
struct sn_counters {
	uint64_t seen;
	uint64_t submitted;
	uint64_t ring_full; /* no room in the ring */
	uint64_t oversized; /* did not fit into SN_RECORD_MAX */
	uint64_t busy;	    /* the scratch buffer was in use (a preempted probe on this CPU) */
	uint64_t next_seq;
	uint64_t by_type[16]; /* submitted, by sn_type */
};

/* The single element of the mmapable array `control`: the reader's wish to be woken. The reader sets `asleep`
 * before it blocks on the ring; a probe that finds it set clears it and submits with BPF_RB_FORCE_WAKEUP. */
struct sn_control {
	uint32_t asleep;
	uint32_t pad;
};
#endif
