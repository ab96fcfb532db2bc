/* Preloaded by hung.py and hung.mjs: every file in a folder named "deadmount" is never opened nor looked at, and
   every host name that ends with ".hang.test" is never resolved, as on a mount or a name server that is gone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void look(const char *path) {
    while (path && strstr(path, "/deadmount/")) pause();
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...) {                                       \
        va_list more;                                                                  \
        va_start(more, flags);                                                         \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;        \
        va_end(more);                                                                  \
        look(path);                                                                    \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);                 \
        return real(path, flags, mode);                                                \
    }
OPEN(open)
OPEN(open64)

int statx(int folder, const char *path, int flags, unsigned int mask, struct statx *into) {
    look(path);
    int (*real)(int, const char *, int, unsigned int, struct statx *) = dlsym(RTLD_NEXT, "statx");
    return real(folder, path, flags, mask, into);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    size_t length = name ? strlen(name) : 0;
    while (length > 10 && !strcmp(name + length - 10, ".hang.test")) pause();
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, found);
}
