/* Runs a script that it has written itself, by the name of its interpreter in the first line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    static const char text[] = "#!/bin/sh\nexit 0\n";
    char path[4096];
    snprintf(path, sizeof path, "%s/script", getenv("ESCAPE_DATA"));
    int fd = open(path, O_WRONLY | O_CREAT, 0700);
    if (fd < 0 || write(fd, text, sizeof text - 1) != sizeof text - 1) {
        return 2;
    }
    close(fd);
    execl(path, path, (char *)NULL);
    printf("refused: %s\n", strerror(errno));
    return 1;
}
