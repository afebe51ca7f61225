# What a build needs: JDK 25, Maven, a C compiler with a static C library, make. To be sourced.
. "$root/scripts/jdk.sh"

# As root on Debian installs what is missing and what Debian has; otherwise says what to install.
need_tools() {
    wanted=
    find_jdk || wanted="$wanted openjdk-25-jdk-headless"
    command -v mvn >/dev/null || wanted="$wanted maven"
    command -v cc >/dev/null || wanted="$wanted gcc"
    command -v make >/dev/null || wanted="$wanted make"
    has_static_libc || wanted="$wanted libc6-dev"
    [ -n "$wanted" ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing:$wanted"
        apt-get update -qq >/dev/null 2>&1
        # shellcheck disable=SC2086 # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null 2>&1
    fi
    missing=
    find_jdk || missing="$missing, JDK 25 (Debian: openjdk-25-jdk-headless, or Temurin 25; JAVA_HOME may point to it)"
    command -v mvn >/dev/null || missing="$missing, Maven 3.8.6 or newer (Debian: maven)"
    command -v cc >/dev/null || missing="$missing, a C compiler (Debian: gcc)"
    command -v make >/dev/null || missing="$missing, make (Debian: make)"
    if command -v cc >/dev/null && ! has_static_libc; then
        missing="$missing, a static C library (Debian: libc6-dev)"
    fi
    [ -z "$missing" ] || { echo "Please install: ${missing#, }" >&2; return 1; }
}

# For tests that kill at chosen system calls. Installed where it can be; answers 1 where it is not there.
need_strace() {
    if ! command -v strace >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq >/dev/null 2>&1
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends strace >/dev/null 2>&1
    fi
    command -v strace >/dev/null || { echo "Please install: strace (Debian: strace)" >&2; return 1; }
}

has_static_libc() {
    command -v cc >/dev/null && [ -e "$(cc -print-file-name=libc.a)" ]
}

# Maven as this project runs it: on JDK 25, quiet about downloads.
maven() {
    mvn -B -ntp -f "$root/pom.xml" "$@"
}
