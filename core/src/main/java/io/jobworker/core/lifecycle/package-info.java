/** What has been started ends in the reverse order. */
@NullMarked
package io.jobworker.core.lifecycle;

import org.jspecify.annotations.NullMarked;
