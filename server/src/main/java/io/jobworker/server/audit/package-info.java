/** Every important event, as one JSON line of key-value pairs. */
@NullMarked
package io.jobworker.server.audit;

import org.jspecify.annotations.NullMarked;
