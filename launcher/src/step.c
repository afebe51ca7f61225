#include "step.h"

static const char *const NAMES[STEP_COUNT] = {
    [STEP_SHEET] = "sheet",       [STEP_MONITOR] = "monitor",     [STEP_LIFE_LOCK] = "life-lock",
    [STEP_CONTROL] = "control",   [STEP_PIPE] = "pipe",           [STEP_STDIN] = "stdin",
    [STEP_CLONE] = "clone",       [STEP_CGROUP] = "cgroup",       [STEP_SESSION] = "session",
    [STEP_SIGNALS] = "signals",   [STEP_OOM_SCORE] = "oom-score", [STEP_PRIORITY] = "priority",
    [STEP_RLIMIT] = "rlimit",     [STEP_CHDIR] = "chdir",         [STEP_STDIO] = "stdio",
    [STEP_CLOSE] = "close",       [STEP_EXEC] = "exec",         [STEP_INIT] = "init",
    [STEP_NETWORK] = "network",   [STEP_MOUNT] = "mount",       [STEP_USER] = "user",
    [STEP_SECCOMP] = "seccomp",   [STEP_CAPABILITIES] = "capabilities",
    [STEP_PAGE] = "page",         [STEP_LOG] = "log",           [STEP_CAPTURE] = "capture",
    [STEP_MARK] = "mark",         [STEP_SCHEDULER] = "scheduler", [STEP_IO_PRIORITY] = "io-priority",
    [STEP_AFFINITY] = "affinity", [STEP_MEMORY] = "memory-policy", [STEP_PERSONALITY] = "personality",
    [STEP_TIMER_SLACK] = "timer-slack", [STEP_KEYRING] = "keyring",   [STEP_ACCOUNT] = "account",
    [STEP_DISK] = "disk",         [STEP_CGROUP_NAMESPACE] = "cgroup-namespace",
};

const char *step_name(enum step step)
{
    return (unsigned)step < STEP_COUNT ? NAMES[step] : "unknown";
}
