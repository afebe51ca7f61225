package io.jobworker.core;

import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.core.job.JobException;
import io.jobworker.core.process.InputChannel;
import io.jobworker.core.process.InputLoop;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * One writer of a job's stdin: takes the place of the one before, and asks the launcher for a
 * connection, which ends the one before. Everything runs on the input loop.
 */
final class InputWriter implements JobInput, InputChannel.Listener {
  private final ActiveJob job;
  private final InputLoop loop;
  private final JobInput.Listener listener;

  // Confined to the loop.
  private @Nullable InputChannel channel;
  private boolean over;

  private InputWriter(ActiveJob job, InputLoop loop, JobInput.Listener listener) {
    this.job = job;
    this.loop = loop;
    this.listener = listener;
  }

  static InputWriter open(ActiveJob job, InputLoop loop, JobInput.Listener listener) {
    InputWriter writer = new InputWriter(job, loop, listener);
    writer.onLoop(writer::takeOver);
    return writer;
  }

  private void takeOver() {
    if (over) {
      return;
    }
    // Both in one task of the loop: the launcher is asked in the order in which writers take over.
    job.replaceWriter(this)
        .ifPresent(former ->
            former.lose(new JobException.TakenOver("another client writes the job's stdin now")));
    var _ =
        job.launcher()
            .orElseThrow()
            .input()
            .whenComplete((socket, problem) -> onLoop(() -> connected(socket, problem)));
  }

  private void connected(@Nullable Fd socket, @Nullable Throwable problem) {
    if (socket == null) {
      lose(whyNot(problem));
      return;
    }
    if (over) {
      socket.close();
      return;
    }
    try {
      channel = loop.open(socket, this);
    } catch (LinuxException e) {
      socket.close();
      lose(whyNot(e));
    }
  }

  private JobException whyNot(@Nullable Throwable problem) {
    boolean ended = job.launcher().orElseThrow().ended().isDone();
    if (ended) {
      return LocalJob.inputEnded();
    }
    String message = "the job's stdin cannot be reached now";
    return problem instanceof IOException
        ? new JobException.Unavailable(message, problem)
        : new JobException.Unavailable(message);
  }

  @Override
  public void progress(InputChannel.Progress progress) {
    if (over) {
      return;
    }
    State state =
        switch (progress.kind()) {
          case OPEN -> State.OPEN;
          case ENDED -> State.ENDED;
          case CLOSED -> State.CLOSED;
          case OVER -> State.JOB_ENDED;
        };
    if (state != State.OPEN) {
      leave();
    }
    listener.progress(new Progress(state, progress.taken(), progress.limit()));
  }

  @Override
  public void broken() {
    lose(whyNot(null));
  }

  private void lose(JobException why) {
    if (!over) {
      leave();
      listener.lost(why);
    }
  }

  private void leave() {
    over = true;
    job.forgetWriter(this);
    if (channel != null) {
      channel.close();
    }
  }

  @Override
  public void write(long offset, ByteBuffer bytes) {
    onLoop(() -> {
      if (channel != null && !over) {
        channel.write(offset, bytes);
      }
    });
  }

  @Override
  public void end(long offset) {
    onLoop(() -> {
      if (channel != null && !over) {
        channel.end(offset);
      }
    });
  }

  @Override
  public void close() {
    onLoop(() -> {
      if (!over) {
        leave();
      }
    });
  }

  private void onLoop(Runnable task) {
    try {
      loop.execute(task);
    } catch (RejectedExecutionException e) {
      // the library is closing; whoever opens it next is asked again
    }
  }
}
