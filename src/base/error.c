#include <tern/types.h>

const char *tern_strerror(int error)
{
	/* Not -error: the smallest int has no positive twin. */
	switch (error < 0 ? 0u - (unsigned)error : (unsigned)error) {
	case 0:
		return "no error";
	case TERN_ENOENT:
		return "there is no option of that name";
	case TERN_EBADF:
		return "the handle names nothing, or nothing any more";
	case TERN_EAGAIN:
		return "nothing to read, or no room to write, at the moment";
	case TERN_ENOMEM:
		return "no memory: the host's budget is spent or the allocator failed";
	case TERN_EACCES:
		return "not permitted";
	case TERN_EINVAL:
		return "an argument is out of its range";
	case TERN_EPIPE:
		return "the connection is closed for sending";
	case TERN_EPROTO:
		return "the data cannot be read: damaged, or of another version";
	case TERN_EMSGSIZE:
		return "the message is too long";
	case TERN_EOPNOTSUPP:
		return "this kind of socket cannot do that";
	case TERN_EADDRINUSE:
		return "the address and port are in use";
	case TERN_EADDRNOTAVAIL:
		return "the address is not one of this host's, or no port is free";
	case TERN_ENETUNREACH:
		return "no route to that network";
	case TERN_ECONNABORTED:
		return "the connection was aborted";
	case TERN_ECONNRESET:
		return "the peer reset the connection";
	case TERN_EISCONN:
		return "the socket is connected already";
	case TERN_ENOTCONN:
		return "the socket is not connected";
	case TERN_ETIMEDOUT:
		return "the peer did not answer in time";
	case TERN_ECONNREFUSED:
		return "the peer refused the connection";
	case TERN_EHOSTUNREACH:
		return "no route to that host";
	case TERN_EALREADY:
		return "that is under way already";
	case TERN_EINPROGRESS:
		return "connecting";
	default:
		return "unknown error";
	}
}
