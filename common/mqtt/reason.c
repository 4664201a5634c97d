#include "common/mqtt/reason.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

static enum err_code class_of_reason(int reason_code)
{
    switch (reason_code) {
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
    case MQTT_RC_NOT_AUTHORIZED:
    case MQTT_RC_BANNED:
    case MQTT_RC_BAD_AUTHENTICATION_METHOD:
        return ERR_DENIED;
    case MQTT_RC_QUOTA_EXCEEDED:
    case MQTT_RC_PACKET_TOO_LARGE:
    case MQTT_RC_RECEIVE_MAXIMUM_EXCEEDED:
    case MQTT_RC_MESSAGE_RATE_TOO_HIGH:
        return ERR_FULL;
    case MQTT_RC_SERVER_UNAVAILABLE:
    case MQTT_RC_SERVER_BUSY:
    case MQTT_RC_SERVER_SHUTTING_DOWN:
    case MQTT_RC_USE_ANOTHER_SERVER:
    case MQTT_RC_SERVER_MOVED:
    case MQTT_RC_CONNECTION_RATE_EXCEEDED:
    case MQTT_RC_ADMINISTRATIVE_ACTION:
        return ERR_OFFLINE;
    case MQTT_RC_SESSION_TAKEN_OVER:
        return ERR_BUSY;
    case MQTT_RC_KEEP_ALIVE_TIMEOUT:
    case MQTT_RC_MAXIMUM_CONNECT_TIME:
        return ERR_TIMEOUT;
    default:
        return ERR_INVALID;
    }
}

bool reason_err(struct err *err, int reason_code, const char *what)
{
    if (reason_code == MQTT_RC_SESSION_TAKEN_OVER) {
        (void)err_set(err, ERR_BUSY, "%s: another connection with the same client id took over",
                      what);
        return err_hint(err, "does a copy of this device run somewhere?");
    }
    (void)err_set(err, class_of_reason(reason_code), "%s: %s", what,
                  mosquitto_reason_string(reason_code));
    if (reason_code == MQTT_RC_NOT_AUTHORIZED) {
        (void)err_hint(
            err, "the broker's access rules do not allow this for the name in our certificate");
    }
    return false;
}

bool library_err(struct err *err, int mosq_error, const char *what)
{
    switch (mosq_error) {
    case MOSQ_ERR_ERRNO:
        return err_errno(err, errno, "%s", what);
    case MOSQ_ERR_NOMEM:
        return err_set(err, ERR_NO_MEMORY, "%s: out of memory", what);
    case MOSQ_ERR_KEEPALIVE:
        return err_set(err, ERR_TIMEOUT, "%s: the broker does not answer any more (keepalive)",
                       what);
    case MOSQ_ERR_NO_CONN:
    case MOSQ_ERR_CONN_LOST:
        return err_set(err, ERR_OFFLINE, "%s: the connection is lost", what);
    case MOSQ_ERR_OVERSIZE_PACKET:
    case MOSQ_ERR_PAYLOAD_SIZE:
        return err_set(err, ERR_INVALID, "%s: the message is larger than the broker takes", what);
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8:
        return err_set(err, ERR_INVALID, "%s: the topic is malformed", what);
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
        return err_set(err, ERR_INVALID, "%s: the broker sent what MQTT does not allow", what);
    default:
        return err_set(err, ERR_INTERNAL, "%s: %s", what, mosquitto_strerror(mosq_error));
    }
}
