/** How people write amounts: the same in the configuration, on the command line and in errors. */
@NullMarked
package io.jobworker.base.units;

import org.jspecify.annotations.NullMarked;
