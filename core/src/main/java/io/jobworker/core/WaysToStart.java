package io.jobworker.core;

import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.store.JobRecord;

/**
 * What there is to be done about one request to start a job. Whether it is admissible is asked when
 * something is to be started: bounds that are others by now do not keep anybody from hearing of a
 * job that he has.
 */
record WaysToStart(
    StartRequest asked, Starting starting, Intents intents, Recovery recovery, Finding finding)
    implements RepeatedStarts.Ways {

  @Override
  public Job start() {
    return finding.handle(starting.start(starting.admissible(asked)));
  }

  @Override
  public Job find(JobId id) {
    return finding.find(id);
  }

  @Override
  public Job startRecorded(JobRecord intent) {
    recovery.await(intent.id());
    StartRequest request = starting.admissible(asked); // before it is claimed
    if (intents.claim(intent.id())) {
      return finding.handle(starting.startRecorded(intent, request));
    }
    try {
      return finding.find(intent.id());
    } catch (JobException.NoSuchJob e) {
      throw new JobException.Unavailable(
          "what became of an earlier start of this job is not known yet; try again");
    }
  }
}
