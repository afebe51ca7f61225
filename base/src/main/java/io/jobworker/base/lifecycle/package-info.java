/** What has been started ends in the reverse order. */
@NullMarked
package io.jobworker.base.lifecycle;

import org.jspecify.annotations.NullMarked;
