/** What must outlive the server, in SQLite. */
@NullMarked
package io.jobworker.core.store;

import org.jspecify.annotations.NullMarked;
