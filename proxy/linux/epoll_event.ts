/**
 * `struct epoll_event` (epoll_ctl(2)), as 32-bit words.
 *
 * @module
 */
export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
/** Of several processes that share a listening socket, one is woken. */
export const EPOLLEXCLUSIVE = 1 << 28;
/** Told once, and then only after the next EPOLL_CTL_MOD. */
export const EPOLLONESHOT = 1 << 30;

export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

/**
 * How many words an event has, and at which its data starts: packed on x86-64
 * only, where the data follows the events; elsewhere it is aligned to eight
 * bytes.
 */
export const WORDS = Deno.build.arch === "x86_64"
  ? { event: 3, data: 1 }
  : { event: 4, data: 2 };
