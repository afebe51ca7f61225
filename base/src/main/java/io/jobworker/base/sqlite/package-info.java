/** SQLite the one way that this project uses it. */
@NullMarked
package io.jobworker.base.sqlite;

import org.jspecify.annotations.NullMarked;
