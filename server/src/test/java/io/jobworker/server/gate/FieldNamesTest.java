package io.jobworker.server.gate;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.core.job.Field;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.RequestField;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FieldNamesTest {
  static Stream<Field> fields() {
    return Stream.concat(Stream.of(RequestField.values()), Stream.of(Limit.values()));
  }

  @ParameterizedTest
  @MethodSource("fields")
  void aFieldHasTheNameThatItHasInTheContract(Field field) {
    assertThat(List.of(JobRequest.getDescriptor(), ListJobsRequest.getDescriptor()))
        .as(FieldNames.of(field))
        .anyMatch(request -> has(request, FieldNames.of(field)));
  }

  private static boolean has(Descriptor message, String path) {
    int dot = path.indexOf('.');
    FieldDescriptor field = message.findFieldByName(dot < 0 ? path : path.substring(0, dot));
    return field != null && (dot < 0 || has(field.getMessageType(), path.substring(dot + 1)));
  }

  @Test
  void noTwoFieldsHaveOneName() {
    assertThat(fields().map(FieldNames::of)).doesNotHaveDuplicates();
  }
}
