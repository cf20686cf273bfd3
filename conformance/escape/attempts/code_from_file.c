/* Maps a file that it has written itself as code, and runs that. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    static const unsigned char code[] = {0xb8, 7, 0, 0, 0, 0xc3}; /* return 7 */
    char path[4096];
    snprintf(path, sizeof path, "%s/code", getenv("ESCAPE_DATA"));
    int fd = open(path, O_RDWR | O_CREAT, 0700);
    if (fd < 0 || write(fd, code, sizeof code) != sizeof code) {
        return 2;
    }
    void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) {
        printf("refused: %s\n", strerror(errno));
        return 1;
    }
    puts("harm done");
    return ((int (*)(void))at)() == 7 ? 0 : 2;
}
