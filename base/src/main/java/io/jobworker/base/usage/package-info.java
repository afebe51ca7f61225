/** What is said of a command line that cannot be read, by each of our programs alike. */
@NullMarked
package io.jobworker.base.usage;

import org.jspecify.annotations.NullMarked;
