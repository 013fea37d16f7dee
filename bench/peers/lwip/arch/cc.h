/* lwIP's view of this compiler and machine. */
#ifndef PEER_LWIP_CC_H
#define PEER_LWIP_CC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LWIP_NO_UNISTD_H 1

#endif
