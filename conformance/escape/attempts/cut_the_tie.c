/* Outlives its launcher by cutting the tie to it, and by being nobody's child. The runner looks at the lock. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(void) {
    int ready[2];
    char byte;
    prctl(PR_SET_PDEATHSIG, 0);
    if (pipe(ready) != 0) {
        return 2;
    }
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            prctl(PR_SET_CHILD_SUBREAPER, 1);
            signal(SIGTERM, SIG_IGN);
            flock(open(getenv("ESCAPE_ALIVE"), O_RDWR | O_CREAT, 0600), LOCK_SH);
            if (write(ready[1], "x", 1) != 1) {
                return 2;
            }
            for (int fd = 0; fd < 3; fd++) {
                close(fd);
            }
            close(ready[1]);
            /* Until whoever looks has seen it. */
            while (access(getenv("ESCAPE_ALIVE"), F_OK) == 0) {
                usleep(50000);
            }
        }
        _exit(0);
    }
    puts("harm done");
    fflush(stdout);
    return read(ready[0], &byte, 1) == 1 ? 0 : 2;
}
