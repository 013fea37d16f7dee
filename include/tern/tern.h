/* tern/tern.h - all of it. */
#ifndef TERN_TERN_H
#define TERN_TERN_H

#include <tern/config.h>
#include <tern/congestion.h>
#include <tern/device.h>
#include <tern/datagram.h>
#include <tern/host.h>
#include <tern/hosts.h>
#include <tern/link.h>
#include <tern/loop.h>
#include <tern/options.h>
#include <tern/pack.h>
#include <tern/packet.h>
#include <tern/record.h>
#include <tern/settings.h>
#include <tern/socket.h>
#include <tern/stats.h>
#include <tern/status.h>
#include <tern/types.h>
#include <tern/watch.h>

#endif
