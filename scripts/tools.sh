# What a build needs: JDK 25, Maven, a C compiler with a static C library, make. To be sourced.
. "$root/scripts/jdk.sh"

# As root on Debian; else, or where Debian has none of that name, nothing happens.
install_packages() { # NAME...
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
    echo "Installing: $*" >&2
    apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || true
}

# As root on Debian installs what is missing and what Debian has; otherwise says what to install.
need_tools() {
    wanted=
    find_jdk || wanted="$wanted openjdk-25-jdk-headless"
    command -v mvn >/dev/null || wanted="$wanted maven"
    command -v cc >/dev/null || wanted="$wanted gcc"
    command -v make >/dev/null || wanted="$wanted make"
    has_static_libc || wanted="$wanted libc6-dev"
    [ -n "$wanted" ] || return 0
    # shellcheck disable=SC2086 # a list of words
    install_packages $wanted
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
    # shellcheck disable=SC2086 # a list of words
    [ -z "$wanted" ] || install_packages $wanted
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
