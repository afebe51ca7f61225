/*
 * The launcher's side of the control channel. One SOCK_SEQPACKET connection at a time: the one that was
 * inherited, and after a restart of the server whichever connects to "control" in the job's directory.
 * Messages are lines of words that start with the version of the protocol.
 *
 *   launcher -> server   2 hello MONITOR_PID          first on each connection
 *                        2 output                     with two descriptors: the shared page (page.h), and the
 *                                                     eventfd that is written to when the page says so
 *                        2 started MAIN_PID
 *                        2 failed STEP ERRNO [NAME]   NAME, to the end, is the interpreter that the program lacks
 *                        2 refused CALL               the first time that the job was refused a system call
 *                        2 input                      the answer to that question, with one descriptor: the connection by
 *                                                     which the job is fed (feeder.h); without: there cannot be one
 *                        2 ended                      the exit record can be read; nothing follows
 *   server -> launcher   2 stop SIGNAL GRACE_MS       SIGNAL 9 or GRACE_MS 0: SIGKILL to the tree at once
 *                        2 signal SIGNAL              to the main process's group, which goes on as it likes
 *                        2 look                       mark or share in the page have changed
 *                        2 input                      asks for a connection to the job's feeder
 *
 * What one side does not know is passed over: input came later, and is asked for only of a job that was started
 * with it, by a launcher that knows it.
 *
 * Neither side ever waits for the other.
 */
#ifndef JOB_WORKER_CONTROL_H
#define JOB_WORKER_CONTROL_H

#include <stdint.h>
#include <sys/types.h>

enum { CONTROL_MAX_BYTES = 512 }; /* of a message that we send; one that would be longer is not sent */

struct control {
    int listener; /* -1: none yet */
    int peer;     /* -1: no server is connected */
};

enum control_verb { CONTROL_NONE, CONTROL_STOP, CONTROL_SIGNAL, CONTROL_LOOK, CONTROL_INPUT };

struct control_message {
    enum control_verb verb;
    int signal;
    int64_t grace_ms;
};

/* Listens on "control" in the working directory. 0 or errno. */
int control_listen(struct control *control);

/*
 * Takes a waiting connection if its user is ours and the one before has died; nobody can push a living
 * server aside. Returns 1 if it did.
 */
int control_accept(struct control *control);

/* Sends one message; a server that is away is not an error (it will ask again). */
__attribute__((format(printf, 2, 3))) void control_send(struct control *control, const char *format, ...);

/* Sends "2 output" with its two descriptors. */
void control_send_output(struct control *control, int page_fd, int wake_fd);

/* Answers "2 input"; fd, which stays the caller's, is -1 if there is no connection. */
void control_send_input(struct control *control, int fd);

/* The next message without waiting; CONTROL_NONE when there is none or the peer has gone. */
struct control_message control_receive(struct control *control);

#endif
