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

# What tests drive where it is there: installed likewise, and not missed.
want_tools() { # NAME...: the program, which is its package's name too
    wanted=
    for tool; do
        command -v "$tool" >/dev/null || wanted="$wanted $tool"
    done
    if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing:$wanted"
        apt-get update -qq >/dev/null 2>&1 || true
        # shellcheck disable=SC2086 # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null 2>&1 || true
    fi
    for tool in $wanted; do
        command -v "$tool" >/dev/null || echo "Without $tool the tests that drive it are skipped."
    done
}

has_static_libc() {
    command -v cc >/dev/null && [ -e "$(cc -print-file-name=libc.a)" ] && [ -e "$(cc -print-file-name=rcrt1.o)" ]
}

# Maven as this project runs it: on JDK 25, quiet about downloads.
maven() {
    mvn -B -ntp -f "$root/pom.xml" "$@"
}
