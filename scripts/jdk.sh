# Finds a JDK 25 and sets JAVA_HOME to it. To be sourced; answers 1 where there is none.
find_jdk() {
    for candidate in "${JAVA_HOME:-}" "${JOB_WORKER_JAVA_HOME:-}" /usr/lib/jvm/* /opt/java/* /opt/jdk*; do
        # shellcheck disable=SC2016
        if [ -x "$candidate/bin/java" ] && [ -r "$candidate/release" ]; then
            while read -r line; do
                case $line in
                    'JAVA_VERSION="25'*)
                        JAVA_HOME=$candidate
                        export JAVA_HOME
                        return 0
                        ;;
                esac
            done <"$candidate/release"
        fi
    done
    return 1
}
