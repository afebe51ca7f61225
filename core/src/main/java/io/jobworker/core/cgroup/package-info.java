/** The cgroup v2 tree of the service: birth, death and what the host can enforce. */
@NullMarked
package io.jobworker.core.cgroup;

import org.jspecify.annotations.NullMarked;
