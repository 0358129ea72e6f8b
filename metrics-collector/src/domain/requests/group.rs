//! What requests are told apart by. Texts are numbers here; `registry` knows them. A cube is what is left when some of
//! the dimensions are left out: a question that needs only those reads the smallest that has them.

/// Left out: whatever it was.
pub const ANY: u32 = 0;
/// Not given: no node, no context.
pub const NONE: u32 = 1;
/// The first number of a text; those below are free for the parts of a period that are no endpoint.
pub const FIRST_VALUE: u32 = 16;

/// A dimension that is a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Dimension {
    /// Which API.
    Service,
    /// HTTP method.
    Method,
    /// Route.
    Endpoint,
    /// Instance.
    Node,
    /// Who asked.
    Consumer,
    /// The app's own.
    Context,
}

impl Dimension {
    /// All, by number.
    pub const ALL: [Self; 6] = [
        Self::Service,
        Self::Method,
        Self::Endpoint,
        Self::Node,
        Self::Consumer,
        Self::Context,
    ];

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Method => "method",
            Self::Endpoint => "endpoint",
            Self::Node => "node",
            Self::Consumer => "consumer",
            Self::Context => "context",
        }
    }
}

/// Requests that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// By [`Dimension`]; [`ANY`] where it is left out.
    pub values: [u32; 6],
    /// HTTP status.
    pub status: u16,
}

impl Group {
    /// The value of a dimension.
    pub fn of(&self, dimension: Dimension) -> u32 {
        self.values[dimension as usize]
    }

    /// The group of a cube that this one belongs to.
    pub fn in_cube(&self, cube: Cube) -> Self {
        let kept = cube.dimensions();
        let mut group = *self;
        for dimension in Dimension::ALL {
            if !kept.contains(&dimension) {
                group.values[dimension as usize] = ANY;
            }
        }
        group
    }

    /// Whether it went well: only these have latencies.
    pub fn is_ok(&self) -> bool {
        is_ok(self.status)
    }
}

/// 200 to 299.
pub fn is_ok(status: u16) -> bool {
    (200..300).contains(&status)
}

/// 400 and above, but not 401: who has no key is no error of the API.
pub fn is_error(status: u16) -> bool {
    status >= 400 && status != 401
}

/// Which dimensions are kept. All keep the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cube {
    /// What was asked for: service, method, endpoint.
    Routes,
    /// Who asked, and who answered: all but the endpoint.
    Callers,
    /// Everything.
    Full,
}

impl Cube {
    /// What it keeps.
    pub fn dimensions(self) -> &'static [Dimension] {
        use Dimension::{Consumer, Context, Endpoint, Method, Node, Service};
        match self {
            Self::Routes => &[Service, Method, Endpoint],
            Self::Callers => &[Service, Method, Node, Consumer, Context],
            Self::Full => &Dimension::ALL,
        }
    }

    /// The smallest that has all that is needed.
    pub fn with(needed: impl Iterator<Item = Dimension> + Clone) -> Self {
        let has_all = |cube: &Self| needed.clone().all(|it| cube.dimensions().contains(&it));
        let cubes = [Self::Routes, Self::Callers, Self::Full];
        cubes.into_iter().find(has_all).unwrap_or(Self::Full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_cube_that_has_all_is_taken() {
        use Dimension::*;
        let check = |needed: &[Dimension], expected| {
            assert_eq!(Cube::with(needed.iter().copied()), expected, "{needed:?}")
        };
        check(&[], Cube::Routes);
        check(&[Service, Endpoint], Cube::Routes);
        check(&[Consumer, Method], Cube::Callers);
        check(&[Consumer, Endpoint], Cube::Full);
    }

    #[test]
    fn a_group_of_a_cube_keeps_its_dimensions() {
        let group = Group {
            values: [16, 17, 18, 19, 20, NONE],
            status: 204,
        };
        assert_eq!(group.in_cube(Cube::Full), group);
        assert_eq!(group.in_cube(Cube::Routes).values, [16, 17, 18, 0, 0, 0]);
        assert_eq!(group.in_cube(Cube::Callers).values, [16, 17, 0, 19, 20, NONE]);
        assert!(group.is_ok() && !is_error(401) && is_error(404) && !is_error(302));
    }
}
