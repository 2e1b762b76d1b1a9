/* The wall clock of the emulator and of the functions under it, moved ahead by as many seconds as a file says: so that 110 days pass in a
 * deployed stack, for everything in it alike. Loaded before libc (LD_PRELOAD); the file is named by LETHE_CLOCK_AHEAD. The steady clock, by
 * which everybody waits, is left alone. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* A file is read again after so many nanoseconds: it is asked thousands of times a second. */
#define FRESH_FOR 5000000

static long long nanoseconds(clockid_t clock) {
    struct timespec now;
    syscall(SYS_clock_gettime, clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static time_t ahead(void) {
    static atomic_llong known, read_at;
    long long now = nanoseconds(CLOCK_MONOTONIC);
    if (atomic_load(&read_at) != 0 && now - atomic_load(&read_at) < FRESH_FOR) return (time_t)atomic_load(&known);
    int before = errno;
    const char *path = getenv("LETHE_CLOCK_AHEAD");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        char text[24];
        ssize_t length = read(file, text, sizeof text - 1);
        close(file);
        if (length > 0) {
            text[length] = 0;
            /* Nothing ever goes back, also not while the file is being written. */
            long long said = atoll(text);
            if (said > atomic_load(&known)) atomic_store(&known, said);
        }
    }
    errno = before;
    atomic_store(&read_at, now);
    return (time_t)atomic_load(&known);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    long long wall = nanoseconds(CLOCK_REALTIME);
    now->tv_sec = (time_t)(wall / 1000000000LL) + ahead();
    now->tv_usec = (suseconds_t)(wall % 1000000000LL / 1000);
    return 0;
}

time_t time(time_t *result) {
    time_t now = (time_t)(nanoseconds(CLOCK_REALTIME) / 1000000000LL) + ahead();
    if (result) *result = now;
    return now;
}
