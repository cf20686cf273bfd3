/* Signals another process by the calls of 32-bit programs, whose numbers no filter for 64 bits knows. */
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    long answer;
    long victim = atol(getenv("ESCAPE_VICTIM"));
    __asm__ volatile("int $0x80" : "=a"(answer) : "a"(37L), "b"(victim), "c"(18L) : "memory");
    if (answer < 0) {
        printf("refused: %ld\n", -answer);
        return 1;
    }
    puts("harm done");
    return 0;
}
