# What teams have: modules, count, for_each with keys of any characters, a second region, rules in every form.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.90"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

provider "aws" {
  alias  = "us"
  region = "us-east-1"
}

module "net" {
  source = "./net"
  cidr   = "10.5.0.0/16"
}

locals {
  settings = {
    "db/url"         = "postgres://db"
    "feature flag-1" = "on"
    "größe"          = "xl"
  }
}

resource "aws_security_group" "web" {
  name        = "web"
  description = "from outside"
  vpc_id      = module.net.vpc

  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
    description = "HTTPS"
  }
  ingress {
    from_port   = 8000
    to_port     = 8100
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8", "192.168.0.0/16"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
  tags = { Name = "web" }
}

resource "aws_security_group" "db" {
  name        = "db"
  description = "the database"
  vpc_id      = module.net.vpc
}

resource "aws_security_group_rule" "db" {
  type                     = "ingress"
  security_group_id        = aws_security_group.db.id
  source_security_group_id = aws_security_group.web.id
  protocol                 = "tcp"
  from_port                = 5432
  to_port                  = 5432
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  for_each          = toset(["10.1.0.0/16", "10.2.0.0/16"])
  security_group_id = aws_security_group.db.id
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

# All that goes out is a rule of its own here, beside another one.
resource "aws_security_group" "app" {
  name        = "app"
  description = "what runs"
  vpc_id      = module.net.vpc
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.app.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_egress_rule" "dns" {
  security_group_id = aws_security_group.app.id
  cidr_ipv4         = "10.5.0.2/32"
  ip_protocol       = "udp"
  from_port         = 53
  to_port           = 53
}

resource "aws_vpc_security_group_ingress_rule" "ping" {
  security_group_id = aws_security_group.app.id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "icmp"
  from_port         = 8
  to_port           = -1
}

resource "aws_launch_template" "plain" {
  name          = "plain"
  image_id      = "ami-12c6146b"
  instance_type = "m7g.large"
  metadata_options {
    http_tokens = "required"
  }
}

# Nothing is said of metadata, in no version.
resource "aws_launch_template" "silent" {
  name          = "silent"
  image_id      = "ami-12c6146b"
  instance_type = "m7g.large"
}

# A program cannot say the market, and would make the next version without it.
resource "aws_launch_template" "spot" {
  name          = "spot"
  image_id      = "ami-12c6146b"
  instance_type = "m7g.large"
  instance_market_options {
    market_type = "spot"
  }
}

resource "aws_iam_role" "cluster" {
  name = "cluster"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "eks.amazonaws.com" } }]
  })
}

# Who makes it gets no rights in it.
resource "aws_eks_cluster" "main" {
  name                          = "main"
  role_arn                      = aws_iam_role.cluster.arn
  bootstrap_self_managed_addons = false
  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }
  vpc_config {
    subnet_ids              = module.net.private
    endpoint_private_access = true
    endpoint_public_access  = false
  }
}

resource "aws_iam_role" "app" {
  name = "app"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
  max_session_duration = 7200
  tags                 = { team = "payments" }
}

resource "aws_iam_role_policy" "app" {
  name = "read"
  role = aws_iam_role.app.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "${aws_s3_bucket.data.arn}/*" }]
  })
}

resource "aws_iam_policy" "app" {
  name = "write"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sns:Publish", Resource = aws_sns_topic.alarms.arn }]
  })
}

resource "aws_iam_role_policy_attachment" "app" {
  role       = aws_iam_role.app.name
  policy_arn = aws_iam_policy.app.arn
}

resource "aws_iam_instance_profile" "app" {
  name = "app"
  role = aws_iam_role.app.name
}

resource "aws_iam_user" "robot" {
  name = "robot"
}

resource "aws_ssm_parameter" "setting" {
  for_each = local.settings
  name     = "/app/${replace(replace(replace(each.key, " ", "-"), "ö", "oe"), "ß", "ss")}"
  type     = "String"
  value    = each.value
}

resource "aws_s3_bucket" "data" {
  bucket = "data-of-terraform"
  tags   = { tier = "data" }
}

resource "aws_s3_bucket_versioning" "data" {
  bucket = aws_s3_bucket.data.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "data" {
  bucket                  = aws_s3_bucket.data.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_dynamodb_table" "locks" {
  name         = "locks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/app"
  retention_in_days = 30
}

resource "aws_kms_key" "main" {
  description             = "everything"
  enable_key_rotation     = true
  deletion_window_in_days = 7
}

resource "aws_kms_alias" "main" {
  name          = "alias/main"
  target_key_id = aws_kms_key.main.key_id
}

resource "aws_sns_topic" "alarms" {
  name = "alarms"
}

resource "aws_sns_topic" "billing" {
  provider = aws.us
  name     = "billing"
}

resource "aws_ssm_parameter" "us" {
  provider = aws.us
  name     = "/us/only"
  type     = "String"
  value    = "there"
}

resource "aws_ecr_repository" "app" {
  name = "app"
  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_secretsmanager_secret" "token" {
  name                    = "token"
  recovery_window_in_days = 7
}

resource "aws_db_subnet_group" "main" {
  name       = "main"
  subnet_ids = module.net.private
}

resource "aws_lb" "front" {
  name               = "front"
  load_balancer_type = "network"
  internal           = true
  subnets            = module.net.private
}

resource "aws_lb_target_group" "app" {
  name     = "app"
  port     = 80
  protocol = "TCP"
  vpc_id   = module.net.vpc
}

resource "aws_lb_listener" "front" {
  load_balancer_arn = aws_lb.front.arn
  port              = 80
  protocol          = "TCP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.app.arn
  }
}

resource "aws_route53_zone" "main" {
  name = "example.org"
}

resource "aws_route53_record" "www" {
  zone_id = aws_route53_zone.main.zone_id
  name    = "www"
  type    = "A"
  ttl     = 60
  records = ["10.5.1.1"]
}

resource "aws_key_pair" "admin" {
  key_name   = "admin"
  public_key = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQD3F6tyPEFEzV0LX3X8BsXdMsQz1x2cEikKDEY0aIj41qgxMCP/iteneqXSIFZBp5vizPvaoIR3Um9xK7PGoW8giupGn+EPuxIA4cDM4vzOqOkiMPhz5XK0whEjkVzTo4+S0puvDZuwIsdiW9mxhJc7tgBNL0cYlWSYVkz4G/fslNfRPW5mYAM49f4fhtxPb5ok4Q2Lg9dPKVHO/Bgeu5woMc7RY0p1ej6D4CKFE6lymSDJpW0YHX/wqE9+cfEauh7xZcG0q9t2ta6F6fmX0agvpFyZo8aFbXeUBr7osSCJNgvavWbM/06niWrOvYX2xwWdhXmXSrbX8ZbabVohBK41 admin"
}

output "bucket" {
  value = aws_s3_bucket.data.bucket
}
