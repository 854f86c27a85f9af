//! EC2, as far as networks and the instances in them go. Documents are in the shape of the API's
//! XML; tables are named by the type in a tag specification (`vpc`, `natgateway`, …).

mod address;
mod cidr;
mod describe;
mod dispatch;
mod endpoint;
mod flow_log;
mod instance;
mod instance_profile;
mod interface;
mod internet_gateway;
mod key_pair;
mod kind;
mod launch_template;
mod monitoring;
mod nat_gateway;
mod place;
mod route_table;
mod security_group;
mod security_group_rule;
mod subnet;
mod tags;
mod token;
mod vpc;

pub(crate) use dispatch::answer;
pub(crate) use place::image_id;
pub(crate) use security_group::new_group;
