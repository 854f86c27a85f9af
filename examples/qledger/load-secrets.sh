# The init container before every container of the ledger's image: secrets from AWS into files in memory.
#
# SECRETS lists what to load, NAME=ssm:PARAMETER[:VERSION] or NAME=secretsmanager:ARN, with blanks between:
#
#   SECRETS='DATABASE_URL=ssm:/prod/qledger/DATABASE_URL:3 LEDGER_AUTH_TOKEN=ssm:/prod/qledger/LEDGER_AUTH_TOKEN:1'
#
# With the versions a pod has the values its template speaks of, and a rotated one rolls the pods, as a new image does.
# Each becomes the file $INTO/NAME (/run/qledger), readable by this user alone: an emptyDir with `medium: Memory`, so
# that nothing reaches a disk. Whatever cannot be read ends the start: the ledger never runs with half of them.
#
# Why the AWS CLI and not something smaller: it is AWS's own, built anew for every change of its SDK, and so it speaks
# Pod Identity and IMDSv2. The loader of the original deployment (aws-env, a binary of 2018) does neither: it reaches
# only the node's role, through IMDSv1, which is why the original gave every pod on every node `ssm:*` and `kms:*`; and
# its output is evaluated by a shell, so that a quote in a value runs as a command, while its failure starts the ledger
# without any. An operator in the cluster (External Secrets) or the Secrets Store CSI driver would do it as well, at the
# price of one more thing that runs in every cluster, has the rights, and must be kept up to date. The image is big, but
# a node keeps it, and it is never part of what serves.
#
# It is given to `sh -c` in public.ecr.aws/aws-cli/aws-cli, so that the image stays AWS's own.
set -eufC
umask 077

into=${INTO:-/run/qledger}
newline='
'

die() {
    printf 'load-secrets: %s\n' "$*" >&2
    exit 1
}

test -n "${SECRETS:-}" || die 'SECRETS says nothing to load'
# Where Kubernetes gave the pod no identity, asking would only take the node's way, which is closed to pods.
test -n "${AWS_CONTAINER_CREDENTIALS_FULL_URI:-}${AWS_WEB_IDENTITY_TOKEN_FILE:-}${AWS_ACCESS_KEY_ID:-}" \
    || die 'this pod has no AWS identity: it was made before its pod identity association was. Delete the pod; the next one has it'
export AWS_EC2_METADATA_DISABLED=true AWS_PAGER='' AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=6

for entry in $SECRETS; do
    name=${entry%%=*}
    from=${entry#*=}
    case $name in
        '' | *[!A-Z0-9_]*) die "the name of $entry must be of A-Z, 0-9 and _" ;;
    esac
    # An end mark keeps the line ends that the shell would take away. One is the CLI's own.
    case $from in
        ssm:*) value=$(aws ssm get-parameter --name "${from#*:}" --with-decryption --query Parameter.Value --output text && printf x) ;;
        secretsmanager:*) value=$(aws secretsmanager get-secret-value --secret-id "${from#*:}" --query SecretString --output text && printf x) ;;
        *) die "$entry is neither NAME=ssm:… nor NAME=secretsmanager:…" ;;
    esac || die "cannot read $from for $name; what AWS says is above"
    value=${value%x}
    value=${value%"$newline"}
    test -n "$value" || die "$from is empty"
    # Over one that an earlier try left.
    rm -f "$into/$name"
    printf '%s' "$value" >"$into/$name"
done
printf 'load-secrets: all there\n'
