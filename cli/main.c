#include "status.h"

int main(void)
{
    return STATUS_USAGE;
}
