/**
 * Numbers of the system calls that the filter speaks of, per machine: those of
 * x86-64 (arch/x86/entry/syscalls/syscall_64.tbl) and arm64 (include/uapi/
 * asm-generic/unistd.h). Since Linux 5.0 new calls have one number everywhere.
 *
 * @module
 */

/** A machine that the filter can be made for. */
export type Machine = "x86_64" | "aarch64";

/** `AUDIT_ARCH_*` of linux/audit.h: the calling convention that a call was made by. */
export const AUDIT_ARCH: Readonly<Record<Machine, number>> = {
  x86_64: 0xc000003e,
  aarch64: 0xc00000b7,
};

type Numbers = readonly [
  x86_64: number | undefined,
  aarch64: number | undefined,
];

/** The number of a call on a machine; nothing where the machine has no such call. */
export function numberOf(machine: Machine, [x86, arm]: Numbers) {
  return machine === "x86_64" ? x86 : arm;
}

/** A call with the same number on both. */
function common(number: number): Numbers {
  return [number, number];
}

/** Calls that are judged by their arguments. */
export const JUDGED = {
  sendto: [44, 206],
  sendmsg: [46, 211],
  sendmmsg: [307, 269],
  ioctl: [16, 29],
  socket: [41, 198],
  clone: [56, 220],
  clone3: common(435),
  prctl: [157, 167],
  kill: [62, 129],
  tgkill: [234, 131],
  prlimit64: [302, 261],
} as const satisfies Record<string, Numbers>;

/** Calls that a worker has no use for, by what could be done with them. */
export const REFUSED: Readonly<
  Record<string, Readonly<Record<string, Numbers>>>
> = {
  "other programs": {
    execve: [59, 221],
    execveat: [322, 281],
    fork: [57, undefined],
    vfork: [58, undefined],
  },
  "other processes": {
    ptrace: [101, 117],
    process_vm_readv: [310, 270],
    process_vm_writev: [311, 271],
    process_madvise: common(440),
    kcmp: [312, 272],
    pidfd_open: common(434),
    pidfd_getfd: common(438),
    pidfd_send_signal: common(424),
    tkill: [200, 130],
    rt_sigqueueinfo: [129, 138],
    rt_tgsigqueueinfo: [297, 240],
  },
  // Landlock does not cover a file's attributes.
  "attributes of files": {
    chmod: [90, undefined],
    fchmod: [91, 52],
    fchmodat: [268, 53],
    fchmodat2: common(452),
    chown: [92, undefined],
    lchown: [94, undefined],
    fchown: [93, 55],
    fchownat: [260, 54],
    setxattr: [188, 5],
    lsetxattr: [189, 6],
    fsetxattr: [190, 7],
    setxattrat: common(463),
    removexattr: [197, 14],
    lremovexattr: [198, 15],
    fremovexattr: [199, 16],
    removexattrat: common(466),
    file_setattr: common(469),
    utime: [132, undefined],
    utimes: [235, undefined],
    utimensat: [280, 88],
    futimesat: [261, undefined],
    name_to_handle_at: [303, 264],
    open_by_handle_at: [304, 265],
    fanotify_init: [300, 262],
  },
  "namespaces and mounts": {
    mount: [165, 40],
    umount2: [166, 39],
    pivot_root: [155, 41],
    chroot: [161, 51],
    setns: [308, 268],
    unshare: [272, 97],
    open_tree: common(428),
    open_tree_attr: common(467),
    move_mount: common(429),
    fsopen: common(430),
    fsconfig: common(431),
    fsmount: common(432),
    fspick: common(433),
    mount_setattr: common(442),
  },
  // Parts of the kernel that many of its holes were found in.
  "the kernel's attack surface": {
    bpf: [321, 280],
    perf_event_open: [298, 241],
    io_uring_setup: common(425),
    io_uring_enter: common(426),
    io_uring_register: common(427),
    keyctl: [250, 219],
    add_key: [248, 217],
    request_key: [249, 218],
    userfaultfd: [323, 282],
    seccomp: [317, 277],
    modify_ldt: [154, undefined],
    lookup_dcookie: [212, 18],
  },
  // Memory and queues that processes of one user share by number or name.
  "System V and POSIX message passing": {
    shmget: [29, 194],
    shmat: [30, 196],
    shmctl: [31, 195],
    msgget: [68, 186],
    msgsnd: [69, 189],
    msgrcv: [70, 188],
    msgctl: [71, 187],
    semget: [64, 190],
    semop: [65, 193],
    semtimedop: [220, 192],
    semctl: [66, 191],
    mq_open: [240, 180],
  },
  "the machine": {
    kexec_load: [246, 104],
    kexec_file_load: [320, 294],
    init_module: [175, 105],
    finit_module: [313, 273],
    delete_module: [176, 106],
    reboot: [169, 142],
    swapon: [167, 224],
    swapoff: [168, 225],
    acct: [163, 89],
    quotactl: [179, 60],
    quotactl_fd: common(443),
    syslog: [103, 116],
    settimeofday: [164, 170],
    clock_settime: [227, 112],
    clock_adjtime: [305, 266],
    adjtimex: [159, 171],
    sethostname: [170, 161],
    setdomainname: [171, 162],
    vhangup: [153, 58],
    iopl: [172, undefined],
    ioperm: [173, undefined],
  },
  // The supervisor listens; workers get what was accepted.
  "listening": { listen: [50, 201] },
};
