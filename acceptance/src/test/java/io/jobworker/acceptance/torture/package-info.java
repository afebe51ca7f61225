/** Jobs at full speed while the server is killed again and again; nothing may be lost. */
@NullMarked
package io.jobworker.acceptance.torture;

import org.jspecify.annotations.NullMarked;
