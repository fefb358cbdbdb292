/*
 * Preloaded into an engine: lets calls of the C library fail, as full disks, lost servers and limits make them fail.
 * The call and where it is made from are chosen by what an earlier run, in which nothing failed, had noted:
 *
 *   RV_FAIL_NOTE   a file: told here are the calls made ("made CALL SITE COUNT", at the end) and the one that failed
 *                  ("failed CALL SITE", at once). A site is an object's name and an offset in it.
 *   RV_FAIL_CALL   the name of the call that fails; without it nothing does
 *   RV_FAIL_SITE   the only site at which it does; without it all of them count as one
 *   RV_FAIL_NTH    which use of it, from 1
 *   RV_FAIL_TIMES  how many uses from that one on (1)
 *   RV_FAIL_ERRNO  a number
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ENGINE "retrovue-air"
#define SITES 4096 /* more than there are calls in all of the engine's libraries */

typedef struct {
        atomic_uintptr_t at; /* return address; 0: free */
        const char *_Atomic call;
        atomic_uint count;
} Site;

static Site sites[SITES];

/* Constant once the constructor has run. */
static struct {
        bool on;
        const char *call, *site, *note;
        unsigned nth, times;
        int errnum;
} plan;

static atomic_uint uses;

static unsigned number_of(const char *name, unsigned otherwise) {
        const char *text = getenv(name);
        return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void begin(void) {
        plan.call = getenv("RV_FAIL_CALL");
        plan.site = getenv("RV_FAIL_SITE");
        plan.note = getenv("RV_FAIL_NOTE");
        plan.nth = number_of("RV_FAIL_NTH", 1);
        plan.times = number_of("RV_FAIL_TIMES", 1);
        plan.errnum = (int)number_of("RV_FAIL_ERRNO", EIO);
        plan.on = plan.note && strcmp(program_invocation_short_name, ENGINE) == 0;
}

/* "libglib-2.0.so.0+0x1234" */
static void name_site(uintptr_t at, char *into, size_t size) {
        Dl_info info;
        if (dladdr((void *)at, &info) == 0 || !info.dli_fname) {
                (void)snprintf(into, size, "nowhere");
                return;
        }
        const char *slash = strrchr(info.dli_fname, '/');
        (void)snprintf(into, size, "%s+0x%zx", slash ? slash + 1 : info.dli_fname,
                       (size_t)(at - (uintptr_t)info.dli_fbase));
}

static void note(const char *text, size_t size) {
        const int fd = (int)syscall(SYS_openat, AT_FDCWD, plan.note, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
                return;
        (void)syscall(SYS_write, fd, text, size);
        (void)syscall(SYS_close, fd);
}

static void count(const char *call, uintptr_t at) {
        for (size_t i = (at >> 2) % SITES, looked = 0; looked < SITES; i = (i + 1) % SITES, looked++) {
                uintptr_t none = 0;
                if (!atomic_compare_exchange_strong(&sites[i].at, &none, at) && none != at)
                        continue;
                atomic_store(&sites[i].call, call);
                atomic_fetch_add(&sites[i].count, 1);
                return;
        }
}

__attribute__((destructor)) static void end(void) {
        for (size_t i = 0; plan.on && i < SITES; i++) {
                char site[256], line[384];
                if (atomic_load(&sites[i].count) == 0)
                        continue;
                name_site(atomic_load(&sites[i].at), site, sizeof site);
                const int size = snprintf(line, sizeof line, "made %s %s %u\n", atomic_load(&sites[i].call), site,
                                          atomic_load(&sites[i].count));
                note(line, (size_t)size);
        }
}

/* dladdr takes a lock of the loader's, under which it may allocate: not asked from within itself. */
static _Thread_local bool asking;

static bool is_site(uintptr_t at) {
        char site[256];
        if (!plan.site || !*plan.site)
                return true;
        if (asking)
                return false;
        asking = true;
        name_site(at, site, sizeof site);
        asking = false;
        return strcmp(site, plan.site) == 0;
}

/* Whether this use fails; errno is set when it does. */
static bool fails(const char *call, void *from) {
        if (!plan.on)
                return false;
        const uintptr_t at = (uintptr_t)from;
        if (!plan.call || !*plan.call) {
                count(call, at);
                return false;
        }
        if (strcmp(call, plan.call) != 0 || !is_site(at))
                return false;
        const unsigned use = atomic_fetch_add(&uses, 1) + 1;
        if (use < plan.nth || use - plan.nth >= plan.times)
                return false;
        char site[256], line[384];
        asking = true;
        name_site(at, site, sizeof site);
        asking = false;
        const int size = snprintf(line, sizeof line, "failed %s %s\n", call, site);
        if (use == plan.nth)
                note(line, (size_t)size);
        errno = plan.errnum;
        return true;
}

/* A function of the C library: its own result, or the one that says that it failed. */
#define WRAP(result, name, parameters, arguments, failure)                                                             \
        result name parameters;                                                                                        \
        result name parameters {                                                                                       \
                static result(*_Atomic next) parameters;                                                               \
                if (!next)                                                                                             \
                        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                     \
                return fails(#name, __builtin_return_address(0)) ? (failure) : next arguments;                         \
        }

/* The same, where the failure is the error's number. */
#define WRAP_NUMBER(name, parameters, arguments) WRAP(int, name, parameters, arguments, plan.errnum)

#define WRAP_OPEN(name)                                                                                                \
        int name(const char *path, int flags, ...) {                                                                   \
                static int (*_Atomic next)(const char *, int, ...);                                                    \
                va_list more;                                                                                          \
                va_start(more, flags);                                                                                 \
                const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                          \
                va_end(more);                                                                                          \
                if (!next)                                                                                             \
                        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                     \
                return fails(#name, __builtin_return_address(0)) ? -1 : next(path, flags, mode);                       \
        }

WRAP_OPEN(open)
WRAP_OPEN(open64)

int fcntl(int fd, int command, ...) {
        va_list more;
        va_start(more, command);
        const long argument = va_arg(more, long);
        va_end(more);
        return fails("fcntl", __builtin_return_address(0)) ? -1 : (int)syscall(SYS_fcntl, fd, command, argument);
}

WRAP(ssize_t, read, (int fd, void *into, size_t size), (fd, into, size), -1)
WRAP(ssize_t, pread, (int fd, void *into, size_t size, off_t at), (fd, into, size, at), -1)
WRAP(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size), -1)
WRAP(ssize_t, send, (int fd, const void *from, size_t size, int flags), (fd, from, size, flags), -1)
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), -1)
WRAP(ssize_t, recv, (int fd, void *into, size_t size, int flags), (fd, into, size, flags), -1)
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), -1)
WRAP(off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence), -1)
WRAP(off_t, lseek64, (int fd, off_t at, int whence), (fd, at, whence), -1)
WRAP(int, fstat, (int fd, struct stat *into), (fd, into), -1)
WRAP(int, stat, (const char *path, struct stat *into), (path, into), -1)
WRAP(int, lstat, (const char *path, struct stat *into), (path, into), -1)
WRAP(int, access, (const char *path, int mode), (path, mode), -1)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
WRAP(int, symlink, (const char *target, const char *path), (target, path), -1)
WRAP(ssize_t, readlink, (const char *path, char *into, size_t size), (path, into, size), -1)
WRAP(int, unlink, (const char *path), (path), -1)
WRAP(int, rename, (const char *from, const char *to), (from, to), -1)
WRAP(int, ftruncate, (int fd, off_t size), (fd, size), -1)
WRAP(int, fsync, (int fd), (fd), -1)
WRAP(int, fdatasync, (int fd), (fd), -1)
WRAP(int, flock, (int fd, int operation), (fd, operation), -1)
WRAP(void *, opendir, (const char *path), (path), NULL)
WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
WRAP(void *, mmap, (void *at, size_t size, int access, int flags, int fd, off_t from),
     (at, size, access, flags, fd, from), MAP_FAILED)
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol), -1)
WRAP(int, socketpair, (int family, int type, int protocol, int ends[2]), (family, type, protocol, ends), -1)
WRAP(int, pipe2, (int ends[2], int flags), (ends, flags), -1)
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size), -1)
WRAP(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags), (fd, address, size, flags), -1)
WRAP(int, getsockopt, (int fd, int level, int name, void *into, socklen_t *size), (fd, level, name, into, size), -1)
WRAP(int, setsockopt, (int fd, int level, int name, const void *from, socklen_t size), (fd, level, name, from, size),
     -1)
WRAP(int, getsockname, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size), -1)
WRAP(int, getpeername, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size), -1)
WRAP(int, eventfd, (unsigned count, int flags), (count, flags), -1)
WRAP(int, eventfd_read, (int fd, eventfd_t *into), (fd, into), -1)
WRAP(int, eventfd_write, (int fd, eventfd_t add), (fd, add), -1)
WRAP(int, epoll_create1, (int flags), (flags), -1)
WRAP(int, epoll_ctl, (int fd, int operation, int other, struct epoll_event *event), (fd, operation, other, event), -1)
WRAP(int, epoll_wait, (int fd, struct epoll_event *events, int most, int timeout_ms), (fd, events, most, timeout_ms),
     -1)
WRAP(int, poll, (struct pollfd * fds, nfds_t n, int timeout_ms), (fds, n, timeout_ms), -1)
WRAP(int, dup, (int fd), (fd), -1)
WRAP(int, setpriority, (unsigned which, id_t who, int priority), (which, who, priority), -1)
WRAP_NUMBER(pthread_create, (pthread_t * thread, const pthread_attr_t *as, void *(*f)(void *), void *user),
            (thread, as, f, user))
WRAP_NUMBER(pthread_setschedparam, (pthread_t thread, int policy, const struct sched_param *to), (thread, policy, to))
WRAP_NUMBER(clock_nanosleep, (clockid_t clock, int flags, const struct timespec *until, struct timespec *left),
            (clock, flags, until, left))

#ifdef RV_FAIL_MEMORY
/* What dlsym asks for must not be asked of it. Not under a sanitizer, whose own these are. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
        return fails("malloc", __builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
        return fails("calloc", __builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *block, size_t size) {
        return fails("realloc", __builtin_return_address(0)) ? NULL : __libc_realloc(block, size);
}

int posix_memalign(void **into, size_t alignment, size_t size) {
        if (fails("posix_memalign", __builtin_return_address(0)))
                return ENOMEM;
        *into = __libc_memalign(alignment, size);
        return *into ? 0 : ENOMEM;
}
#endif
