/** What the command line says of itself: help, hints, manual pages, completion. */
@NullMarked
package io.jobworker.cli.help;

import org.jspecify.annotations.NullMarked;
