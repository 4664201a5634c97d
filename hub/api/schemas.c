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
    "failing_on failures:i run byte_count:i duration_ms:i data_version metadata:o failed_at:t "    \
    "failed_run "                                                                                  \
    "error:o"
#define BACKFILL                                                                                   \
    "backfill! device! status! command selection reason at!:t begun_at:t first last per_run:i "    \
    "parent partitions!:i runs!:i done!:i failed!:i canceled!:i running!:i waiting!:i"
#define RUN                                                                                        \
    "run! device! status! job cause cause_name selection tags:o steps:i succeeded!:i failed!:i "   \
    "skipped!:i enqueued_at:t started_at:t ended_at:t error:o"
#define COMMAND                                                                                    \
    "command! verb! args!:o to! state! key! counter!:i given_at!:t given_by expires_at!:t "        \
    "withdrawn_at:t "                                                                              \
    "withdrawn_why devices!:i devices_at_once:i waiting!:i sent!:i received!:i started!:i "        \
    "succeeded!:i failed!:i "                                                                      \
    "refused!:i overdue!:i expired!:i withdrawn!:i away!:i"
#define DEPLOYMENT                                                                                 \
    "deployment! status! bundle! files!:i bytes!:i source! to! waves! abort_if! on_abort! "        \
    "wave!:i made_at!:t "                                                                          \
    "ended_at:t reason devices!:i asked!:i under_way!:i healthy!:i failed!:i rolled_back!:i "      \
    "away!:i"

#define BUNDLE                                                                                     \
    "bundle! made_at!:t files!:i bytes!:i source! deployments!:i targets!:i devices!:i "           \
    "commands!:i idle!:b"

const struct api_schema api_schemas[] = {
    {"Alert", "alert!:i status! kind! device label value devices!:i troubles!:i since!:t "
              "told_at:t resolved_at:t detail text!"},
    {"AlertTest", "ways!:s[]"},
    {"Asset", ASSET},
    {"AssetAt", "asset! made_on!:s[] external_on!:s[] versions!:i materialized_at:t "
                "materializations!:i"},
    {"AssetDefinition", "version! devices!:i device! definition!:o"},
    {"AssetDetail",
     ASSET " on_devices!:Asset[] check_results!:Check[] made_on!:s[] external_on!:s[] "
           "versions!:AssetVersion[] definitions!:AssetDefinition[] upstream!:Neighbour[] "
           "downstream!:Neighbour[]"},
    {"AssetPartition", "partition! status! made:i failed:i devices:i at:t run"},
    {"AssetReport", "asset_key:j metadata:o data_version description partition"},
    {"AssetVersion", "asset version! code_version external!:b since:t differs_in devices!:s[]"},
    {"AssetWhy",
     "device! staleness! causes!:StaleCause[] made_at:t code_version made_with freshness:o"},
    {"Audit", "id!:i at!:t user peer! action! subject result! detail"},
    {"Backfill", BACKFILL},
    {"BackfillDetail", BACKFILL " run_list!:BackfillRun[]"},
    {"BackfillRun",
     "run! status! partition partition_end partitions!:i enqueued_at:t started_at:t ended_at:t"},
    {"Bundle", BUNDLE},
    {"BundleDetail", BUNDLE " file_list!:BundleFile[]"},
    {"BundleFile", "path! size!:i sha256! executable!:b"},
    {"BundleMade", "bundle! files!:i bytes!:i missing!:s[]"},
    {"BundlePiece", "sha256! bytes!:i whole!:b"},
    {"BundleText", "path! size!:i sha256! executable!:b truncated!:b text"},
    {"Certificate", "serial! state! cause! issued_at!:t expires_at!:t revoked_at:t fingerprint!"},
    {"Check", "asset name! device! passed!:b severity! at!:t run metadata:o"},
    {"CheckReport", "asset_key:j check_name! passed!:b severity metadata:o partition"},
    {"Clone", "device! epoch! at:t why!"},
    {"CloneRequest", "epoch"},
    {"Command", COMMAND},
    {"CommandDetail", COMMAND " device_list!:CommandDevice[]"},
    {"CommandDevice", "device! status! online!:b sent!:i sent_at:t answered_at:t code reason run "
                      "result:j"},
    {"CommandGiven", "command! verb! to! device devices!:i online!:i expires_at!:t"},
    {"CommandRequest", "verb! targets! args:o expires_in devices_at_once:i device_timeout "
                       "abort_if"},
    {"CommandWithdrawn", "command! state! never_sent!:i"},
    {"DefinitionsChange", "at!:t hash! in_force!:b epoch! seq!:i added!:s[] changed!:s[] "
                          "removed!:s[] added_count!:i changed_count!:i removed_count!:i "
                          "assets!:i"},
    {"Deployment", DEPLOYMENT},
    {"DeploymentDetail", DEPLOYMENT " device_list!:DeploymentDevice[] wave_list!:WaveTally[]"},
    {"DeploymentDevice", "device! wave!:i state! current online!:b taken_back!:b asked_at:t at:t "
                         "reason"},
    {"DeploymentMade", "deployment! bundle! files!:i bytes!:i devices!:i"},
    {"DeploymentRequest", "bundle! targets! waves abort_if on_abort soak patience"},
    {"Desired", "device! state! wanted!:i in_force!:i since:t reason issued_at:t told_at:t "
                "conflicts content:o content_in_force:o"},
    {"DesiredSigned", "device! revision!:i"},
    {"Device", DEVICE},
    {"DeviceAlert", "kind! opened_at:t detail!"},
    {"DeviceBundle", "wanted current told status reason told_at:t deployment"},
    {"DeviceCommand", "id! verb! status! given_at:t expires_at:t sent!:i"},
    {"DeviceDetail",
     DEVICE " key_fingerprint status_since:t epoch boot_id clock_trusted:b refusal_at:t "
            "definitions_told starts:i clock_steps:i epochs:i health:o certificate_cause "
            "certificate_issued_at:t bundle!:DeviceBundle cut_off:i quarantined:i desired:Desired "
            "commands!:DeviceCommand[] pools!:DevicePool[] alerts!:DeviceAlert[]"},
    {"DeviceLabels", "device! labels!:o"},
    {"DevicePool", "pool! wanted!:i granted!:i"},
    {"DeviceStatus", "device! status!"},
    {"DeviceTimeline",
     "device! since!:t until!:t presence!:TimePresence[] runs!:TimeRun[] "
     "definitions!:TimeDefinitions[] deployments!:TimeDeployment[] alerts!:TimeAlert[] "
     "commands!:TimeCommand[] health!:TimeHealth[] cut!:b"},
    {"Document", "document! priority!:i to! set_at!:t content!:o"},
    {"DocumentChange", "device! before!:o after!:o"},
    {"DocumentDiff", "devices!:DocumentChange[]"},
    {"DocumentEffect", "document! devices!:i changed!:i in_conflict!:i too_much!:i kept!:b "
                       "conflicts!:s[]"},
    {"DocumentRequest", "to priority:i content!:o"},
    {"Edge", "upstream! downstream! crosses!:b"},
    {"Empty", ""},
    {"Enrolment", "device! fingerprint! status! first_at!:t last_at!:t serial_number version "
                  "board"},
    {"EnrolmentToken", "id! state! label names labels!:o uses!:i max_uses!:i created_at!:t "
                       "expires_at!:t revoked_at:t last_error wrong_secrets!:i closed_until:t"},
    {"EnrolmentTokenMade", "token! id! label max_uses!:i expires_at!:t"},
    {"EnrolmentTokenRequest", "label max_uses:i expires_in names labels:o"},
    {"EpochRequest", "epoch"},
    {"Event", "id!:i device! epoch! seq!:i type! at!:t received_at!:t event!:o"},
    {"FailingAsset", "device! asset! failed_at!:t failed_run error:o"},
    {"FingerprintRequest", "fingerprint!"},
    {"Found", "kind! device asset run status job display_name"},
    {"Gap", "epoch! from_seq!:i seq!:i events!:i at!:t reason dropped:o"},
    {"Graph", "nodes!:Node[] edges!:Edge[]"},
    {"HardwareSheet", "sheet!"},
    {"HardwareTold", "rows!:i"},
    {"LabelledDevice", "device!"},
    {"LabelledDevices", "devices!:LabelledDevice[]"},
    {"Labels", "labels!:o"},
    {"LabelsRequest", "targets! set:o remove:s[]"},
    {"LineageEdge", "upstream! downstream! declared_by!:s[] crosses!:b reasons!:LineageReason[]"},
    {"LineageReason", "by! dataset scope made_on:s[] written_by:s[] declared_by:s[] read_by:s[] "
                      "crosses!:b"},
    {"Login", "user! password!"},
    {"Materialization", "device! asset! seq!:i at!:t run row_count:i rows_written:i byte_count:i "
                        "duration_ms:i metadata:o partition partition_end"},
    {"Named", "job schedule sensor device! assets!:i version definition:o state state_by "
              "state_account state_command state_reason state_since:t next:t[] last_tick:o "
              "last_run:o ticks:i started:i "
              "devices:i paused:i failed:i ticked_at:t"},
    {"Neighbour", "asset! crosses!:b declared_by!:s[] datasets:s[]"},
    {"Node", "key! group kinds:s[] external!:b devices!:i failing!:i materialized_at:t "
             "materializations:i freshness:o"},
    {"Output", "device! run! step! attempt!:i stream! state! running!:b online!:b reason from!:i "
               "dropped!:i text! chunk_list:OutputChunk[] next!"},
    {"OutputChunk", "offset!:i dropped!:i text!"},
    {"Overview", "fleet! version! devices!:i devices_online!:i devices_out!:i devices_away!:i "
                 "device_assets!:i runs_open!:i checks_failing!:i alerts_open!:i "
                 "deployments_open!:i lost_events!:i waiting_events!:i refusals_day!:i assets!:i "
                 "assets_failing!:i "
                 "device_assets_failing!:i devices_failing!:i runs_by_hour!:RunHour[] "
                 "runs_success!:i runs_failure!:i runs_canceled!:i failing!:FailingAsset[] "
                 "freshness!:o"},
    {"PasswordRequest", "password! old_password"},
    {"Pool", "pool! places!:i lease_s!:i paused!:b paused_by paused_at:t device wanted:i granted:i "
             "since:t"},
    {"PoolRequest", "places!:i lease"},
    {"Preauthorisation", "serial_number! device! labels!:o added_at!:t used_at:t"},
    {"Problem", "type! title! status!:i detail hint code"},
    {"Quarantined", "id!:i device! epoch! first!:i last!:i differs_at!:i at!:t times!:i bytes!:i"},
    {"QuarantinedEvents", "id!:i events!:o[]"},
    {"ReasonRequest", "reason"},
    {"Refusal", "at!:t peer! device what! why! advice!"},
    {"RenameRequest", "name!"},
    {"ReplaceRequest", "expires_in"},
    {"Report", "fleet! since!:t until!:t made_at!:t group_by! runs!:o runs_before!:o freshness!:o "
               "totals!:o attention!:ReportLine[] devices!:o[] assets!:o[] failing!:o[] "
               "checks_failing!:o[] stale!:o[] slowest!:s[] flakiest!:s[] groups!:o[] loads!:o[] "
               "days!:o[] losses!:o[] alerts!:o[] hub_certificates!:o[]"},
    {"ReportAsked", "report! asked_at!:t"},
    {"ReportDelivery", "id!:i cause! due_at!:t attempt!:i at!:t result! error"},
    {"ReportLine", "kind! text! asset device run"},
    {"RetryRequest", "what selection"},
    {"RoleRequest", "role!"},
    {"Run", RUN},
    {"RunDetail", RUN " step_list!:Step[]"},
    {"RunHour", "at!:t success!:i failure!:i canceled!:i"},
    {"RunId", "run! device!"},
    {"ScheduledReport", "report! cron! timezone! since_s!:i group_by format! to! next_at:t "
                        "delivered_at:t delivered_for:t due_since:t attempts:i next_attempt_at:t "
                        "failed_at:t error asked_at:t deliveries!:ReportDelivery[]"},
    {"Session", "user! role! csrf_token"},
    {"SetupRequest", "secret! password! user"},
    {"Silence", "silence!:i targets! kind reason until!:t"},
    {"SilenceRequest", "targets! for! kind reason"},
    {"StaleCause", "category! reason! dependency dependency_reason"},
    {"Step",
     "device run step! asset status! attempt:i started_at:t ended_at:t duration_ms:i retry_at:t "
     "error:o exit reason"},
    {"Targets", "to! devices!:i online!:i first!:s[]"},
    {"TimeAlert", "at!:t until:t kind! detail alert!:i"},
    {"TimeCommand", "at!:t until:t command! verb! status!"},
    {"TimeDefinitions", "at!:t hash!"},
    {"TimeDeployment", "at!:t deployment! bundle! status!"},
    {"TimeHealth", "at!:t buffer_events:i buffer_bytes:i buffer_quota_bytes:i disk_free_bytes:i"},
    {"TimePresence", "at!:t status! reason"},
    {"TimeRun", "at:t until:t run! status! name"},
    {"Token", "token! user! label scopes!:s[] state! created_at!:t expires_at!:t used_at:t "
              "revoked_at:t"},
    {"TokenMade", "token! secret! expires_at!:t"},
    {"TokenRequest", "scopes!:s[] expires_in label"},
    {"User", "user! role! created_at:t last_login_at:t locked_until:t wrong_passwords:i "
             "sessions:i tokens:i"},
    {"UserRequest", "user! role! password!"},
    {"WaveTally", "wave!:i devices!:i asked!:i under_way!:i healthy!:i failed!:i rolled_back!:i "
                  "away!:i"},
};
const size_t api_schema_count = COUNT_OF(api_schemas);
