#include "hub/api/schemas.h"

#include "common/base/compiler.h"

#define DEVICE                                                                                     \
    "device! status! enrolment! status_reason display_name serial_number labels!:o since:t "       \
    "last_seen_at:t offline_reason version board assets:i failing:i freshness:o runs_open:i "      \
    "events:i waiting_events:i lost_events:i clock_offset_ms:i definitions_hash definitions_at:t " \
    "enrolled_at:t certificate_expires_at:t certificate_fingerprint refusal"
#define ASSET                                                                                      \
    "asset! group kinds:s[] description external:b devices:i failing:j materialized_at:t "         \
    "row_count:i materializations:i freshness:o device defined:b tags:o owners:s[] code_version "  \
    "failures:i run byte_count:i duration_ms:i data_version metadata:o failed_at:t failed_run "    \
    "error:o"
#define RUN                                                                                        \
    "run! device! status! job cause cause_name selection tags:o steps:i succeeded!:i failed!:i "   \
    "skipped!:i enqueued_at:t started_at:t ended_at:t error:o"
#define COMMAND                                                                                    \
    "command! verb! args!:o to! state! key! counter!:i given_at!:t expires_at!:t withdrawn_at:t "  \
    "withdrawn_why devices!:i waiting!:i sent!:i received!:i started!:i succeeded!:i failed!:i "   \
    "refused!:i overdue!:i expired!:i withdrawn!:i"
#define DEPLOYMENT                                                                                 \
    "deployment! status! bundle! source! to! waves! abort_if! on_abort! wave!:i made_at!:t "       \
    "ended_at:t reason devices!:i asked!:i under_way!:i healthy!:i failed!:i rolled_back!:i "      \
    "away!:i"

const struct api_schema api_schemas[] = {
    {"Alert", "alert!:i status! kind! device label value devices!:i troubles!:i since!:t "
              "told_at:t resolved_at:t detail"},
    {"Asset", ASSET},
    {"AssetDetail", ASSET " on_devices!:Asset[] check_results!:Check[] upstream!:Neighbour[] "
                          "downstream!:Neighbour[]"},
    {"AssetReport", "asset_key:j metadata:o data_version description partition"},
    {"Audit", "id!:i at!:t user peer! action! subject result! detail"},
    {"Backfill", "backfill! device! status! command selection reason at!:t"},
    {"Check", "asset name! device! passed!:b severity! at!:t run metadata:o"},
    {"CheckReport", "asset_key:j check_name! passed!:b severity metadata:o partition"},
    {"Command", COMMAND},
    {"CommandDetail", COMMAND " device_list!:CommandDevice[]"},
    {"CommandDevice", "device! status! online!:b sent!:i sent_at:t answered_at:t code reason run "
                      "result:j"},
    {"CommandGiven", "command! verb! to! devices!:i online!:i expires_at!:t"},
    {"CommandRequest", "verb! targets! args:o expires_in"},
    {"CommandWithdrawn", "command! state! never_sent!:i"},
    {"Deployment", DEPLOYMENT},
    {"DeploymentDetail", DEPLOYMENT " device_list!:DeploymentDevice[]"},
    {"DeploymentDevice", "device! wave!:i state! current online!:b taken_back!:b asked_at:t at:t "
                         "reason"},
    {"Device", DEVICE},
    {"Edge", "upstream! downstream! crosses!:b"},
    {"Empty", ""},
    {"Event", "id!:i device! epoch! seq!:i type! at!:t received_at!:t event!:o"},
    {"FailingAsset", "device! asset! failed_at!:t failed_run error:o"},
    {"Found", "kind! device asset run status job display_name"},
    {"Graph", "nodes!:Node[] edges!:Edge[]"},
    {"Login", "user! password!"},
    {"Materialization", "device! asset! seq!:i at!:t run row_count:i rows_written:i byte_count:i "
                        "duration_ms:i metadata:o"},
    {"Named", "job schedule sensor device! assets!:i state state_reason state_since:t last_tick:o "
              "ticks:i started:i"},
    {"Neighbour", "asset! crosses!:b"},
    {"Node", "key! group kinds:s[] external!:b devices!:i failing!:i materialized_at:t "
             "materializations:i freshness:o"},
    {"Output", "device! run! step! attempt!:i stream! state! running!:b online!:b reason from!:i "
               "dropped!:i text! next!"},
    {"Overview", "fleet! version! devices!:i devices_online!:i devices_out!:i devices_away!:i "
                 "device_assets!:i runs_open!:i checks_failing!:i alerts_open!:i "
                 "deployments_open!:i lost_events!:i waiting_events!:i assets!:i assets_failing!:i "
                 "device_assets_failing!:i devices_failing!:i runs_by_hour!:RunHour[] "
                 "runs_success!:i runs_failure!:i runs_canceled!:i failing!:FailingAsset[] "
                 "freshness!:o"},
    {"PasswordRequest", "password! old_password"},
    {"Pool", "pool! places!:i lease_s!:i paused!:b device wanted:i granted:i since:t"},
    {"Problem", "type! title! status!:i detail hint"},
    {"RetryRequest", "what selection"},
    {"RoleRequest", "role!"},
    {"Run", RUN},
    {"RunDetail", RUN " step_list!:Step[]"},
    {"RunHour", "at!:t success!:i failure!:i canceled!:i"},
    {"Session", "user! role! csrf_token"},
    {"SetupRequest", "secret! password! user"},
    {"Silence", "silence!:i to! kind reason until!:t"},
    {"SilenceRequest", "targets! for! kind reason"},
    {"Step", "step! asset status! attempt:i started_at:t ended_at:t duration_ms:i retry_at:t "
             "error:o exit reason"},
    {"Token", "token! user! label scopes!:s[] state! created_at!:t expires_at!:t used_at:t "
              "revoked_at:t"},
    {"TokenMade", "token! secret! expires_at!:t"},
    {"TokenRequest", "scopes!:s[] expires_in label"},
    {"User", "user! role! created_at:t last_login_at:t locked_until:t wrong_passwords:i "
             "sessions:i tokens:i"},
    {"UserRequest", "user! role! password!"},
};
const size_t api_schema_count = COUNT_OF(api_schemas);
